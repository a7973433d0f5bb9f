// npm run demo: a server with a Postgres of its own and a service, as real processes, and what happens between them when
// configuration changes. Everything lives in a temporary folder and on free ports, and is gone afterwards.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = mkdtempSync(path.join(tmpdir(), 'trimtab-demo-'));
const PATIENCE_MS = 30_000;
const WARM_UP = 20;
const REPETITIONS = 100;
const LAYER = '/api/v1/services/vets-service/environments/docker';

/** A process of the demo: every line it prints is remembered with the moment it arrived. */
class Process {
  #lines = [];
  #waiting = new Set();
  #child;
  constructor(name, script, env) {
    this.name = name;
    // A group of its own, so that a Ctrl-C in the terminal reaches the demo only, which then stops what it started.
    const options = { cwd: root, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'], detached: true };
    this.#child = spawn(process.execPath, [path.join(root, script)], options);
    this.exited = once(this.#child, 'exit').then(([code, signal]) => signal ?? code);
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      createInterface({ input: stream }).on('line', (text) => {
        this.#lines.push({ text, at: performance.now() });
        for (const check of [...this.#waiting]) check();
      });
    }
  }
  get running() {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }
  /** The first line that matches, of all that are printed after `since` lines. */
  line(pattern, since = 0) {
    return new Promise((resolve, reject) => {
      const fail = (why) => reject(new Error(`${this.name} ${why}. It said:\n${this.#lines.map(({ text }) => `    ${text}`).join('\n')}`));
      const timer = setTimeout(() => settle(() => fail(`did not print ${pattern} in time`)), PATIENCE_MS);
      const check = () => {
        const found = this.#lines.slice(since).find(({ text }) => pattern.test(text));
        if (found) settle(() => resolve({ ...found, match: pattern.exec(found.text) }));
      };
      const settle = (end) => {
        clearTimeout(timer);
        this.#waiting.delete(check);
        end();
      };
      this.#waiting.add(check);
      void this.exited.then((how) => this.#waiting.has(check) && settle(() => fail(`has ended (${how})`)));
      check();
    });
  }
  get printed() {
    return this.#lines.length;
  }
  async stop() {
    if (this.running) this.#child.kill('SIGTERM');
    const late = setTimeout(() => this.#child.kill('SIGKILL'), 10_000);
    await this.exited;
    clearTimeout(late);
  }
}

const processes = [];
let api;

function start(name, script, env) {
  const started = new Process(name, script, env);
  processes.push(started);
  return started;
}

async function call(method, url, body, type = 'application/json') {
  const headers = { authorization: `Bearer ${api.token}`, ...(body === undefined ? {} : { 'content-type': type }) };
  const response = await fetch(api.base + url, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
  return { status: response.status, ...(await response.json()) };
}

async function must(...request) {
  const answer = await call(...request);
  expect(answer.status < 300, `${request[0]} ${request[1]} answered ${answer.status}: ${answer.detail}`);
  return answer;
}

const publish = (patch, message) =>
  must('PATCH', `${LAYER}/documents/application?message=${encodeURIComponent(message)}`, { vets: { cache: patch } }, 'application/merge-patch+json');

function expect(truth, otherwise) {
  if (!truth) throw new Error(otherwise);
}

const since = (start) => `${((performance.now() - start) / 1000).toFixed(1)} s`;
const say = (what, text) => console.log(`  ${what.padEnd(9)} ${text}`);
const more = (text) => say('', text);
const said = (line) => line.match[1].replace(/\s+/g, ' ');

async function demo() {
  console.log('\nTrimtab: a change is published, and a running service takes it.\n');

  let began = performance.now();
  const server = start('The server', 'dist/main.js', { PORT: '0', TRIMTAB_HOST: '127.0.0.1', TRIMTAB_DATA: path.join(folder, 'data'), TRIMTAB_LOG_LEVEL: 'error', DATABASE_URL: undefined });
  const [address, token] = await Promise.all([server.line(/API +(http:\/\/[^/]+)\//), server.line(/Administrator token.*: (tta_\S+)/)]);
  api = { base: address.match[1], token: token.match[1] };
  say('server', `started with a real Postgres of its own in ${since(began)}`);

  began = performance.now();
  const config = path.join(root, 'examples/petclinic-config');
  const files = readdirSync(config).filter((name) => name.endsWith('.yml')).map((name) => ({ path: name, content: readFileSync(path.join(config, name), 'utf8') }));
  const imported = await must('POST', '/api/v1/imports', { files, title: 'Import the PetClinic' });
  say('import', `examples/petclinic-config: ${imported.services.length} services, ${imported.environments.length} environments, ${imported.layers.length} layers`);
  more(`as one change, revision ${imported.revision}, in ${since(began)}`);

  const key = await must('POST', '/api/v1/client-keys', { name: 'demo', service: 'vets-service', environment: 'docker' });
  began = performance.now();
  const service = start('The service', 'examples/vets-service/index.mjs', { TRIMTAB_URL: api.base, TRIMTAB_KEY: key.secret, PORT: '0', HOME: folder });
  const serving = await service.line(/serving (http:\S+) with (revision \d+, .*)/);
  const maxAge = async () => Number((await fetch(serving.match[1])).headers.get('cache-control').split('=')[1]);
  say('service', `vets-service@docker runs: ${serving.match[2]}  (${since(began)})`);
  expect((await maxAge()) === 60, 'GET /vets should say max-age=60');

  const visitor = visit(serving.match[1]);

  /** Publishes, and waits until the service has said what it did. */
  const observe = async (patch, message, outcome) => {
    const printed = service.printed;
    const sent = performance.now();
    const { revision } = await publish(patch, message);
    const answered = performance.now();
    const line = await service.line(new RegExp(`(revision ${revision} ${outcome}.*)`), printed);
    return { revision, line, took: line.at - sent, answered: answered - sent };
  };

  console.log();
  const good = await observe({ ttl: 5 }, 'Vets change more often than we thought', 'applied');
  say('publish', `vets.cache.ttl: 60 → 5`);
  more(`the service: "${said(good.line)}", ${good.took.toFixed(1)} ms after the request was sent`);
  expect((await maxAge()) === 5, 'GET /vets should say max-age=5');
  more('GET /vets now answers max-age=5: the same process, with a new cache');

  console.log();
  const bad = await observe({ ttl: 'often' }, 'A slip of the hand', 'refused');
  say('publish', `vets.cache.ttl: "often", which nothing on the server forbids`);
  more(`the service: "${said(bad.line)}"`);
  expect(service.running && (await maxAge()) === 5, 'the service should run on with max-age=5');
  const [instance] = (await must('GET', '/api/v1/instances?service=vets-service')).items;
  expect(instance?.state === 'refused', 'the server should know that the instance refused');
  more(`it runs on with max-age=5, and GET /api/v1/instances shows: ${instance.state} revision ${instance.revision}`);

  const undone = await must('POST', `/api/v1/revisions/${bad.revision}/rollback`, {});
  say('rollback', `of revision ${bad.revision}: revision ${undone.revision}, and all is well again`);
  await until(async () => (await must('GET', '/api/v1/instances?service=vets-service')).items[0]?.state === 'applied', 'the instance should be well again');

  console.log();
  await must('PUT', '/api/v1/services/vets-service/environments/base/schemas/application', { properties: { vets: { properties: { cache: { properties: { ttl: { type: 'integer', minimum: 1 } } } } } } });
  const refused = await call('PATCH', `${LAYER}/documents/application`, { vets: { cache: { ttl: 'often' } } }, 'application/merge-patch+json');
  expect(refused.code === 'schema_violation', 'the server should refuse what its JSON Schema does not allow');
  say('publish', 'the same slip, now with a JSON Schema on vets-service@base');
  more(`the server: ${refused.status} ${refused.code}, at ${refused.pointer}`);
  more(`"${refused.detail}"`);

  const back = service.printed;
  const whole = await must('POST', `${LAYER}/rollback`, { version: 1 });
  const line = await service.line(new RegExp(`(revision ${whole.revision} applied.*)`), back);
  expect((await maxAge()) === 60, 'GET /vets should say max-age=60 again');
  say('rollback', `vets-service@docker to version 1: "${said(line)}", max-age=60 again`);

  const { answered, failed } = await visitor.leave();
  expect(answered > 0 && failed === 0, `${failed} of ${answered + failed} requests failed meanwhile`);
  say('visitors', `asked GET /vets ${answered} times meanwhile; all were answered`);

  const took = [];
  for (let index = 0; index < WARM_UP + REPETITIONS; index += 1) took.push(await observe({ ttl: 100 + index }, 'Once more', 'applied'));
  took.splice(0, WARM_UP);
  const sorted = (of) => took.map(of).sort((a, b) => a - b);
  const [all, commits] = [sorted(({ took }) => took), sorted(({ answered }) => answered)];
  const p50 = (values) => values[Math.floor(values.length / 2)].toFixed(1);
  console.log();
  say('measured', `${REPETITIONS} publishes, one after another, from the moment each request was sent`);
  more(`until the service had applied it:  p50 ${p50(all)} ms, max ${all.at(-1).toFixed(1)} ms`);
  more(`until the server had answered:     p50 ${p50(commits)} ms  (checked, committed to disk, impact reported)`);
}

/** Asks again and again, as a user would, until told to leave. */
function visit(url) {
  const count = { answered: 0, failed: 0 };
  let leaving = false;
  const visiting = (async () => {
    while (!leaving && cleaning === undefined) {
      const ok = await fetch(url).then((response) => response.ok && response.json(), () => false);
      count[ok ? 'answered' : 'failed'] += 1;
      await sleep(5);
    }
  })();
  return {
    leave: async () => {
      leaving = true;
      await visiting;
      return count;
    },
  };
}

async function until(check, otherwise) {
  const deadline = performance.now() + PATIENCE_MS;
  while (!(await check())) {
    expect(performance.now() < deadline, otherwise);
    await sleep(20);
  }
}

let cleaning;
function cleanUp() {
  return (cleaning ??= (async () => {
    for (const one of [...processes].reverse()) await one.stop();
    rmSync(folder, { recursive: true, force: true });
  })());
}

for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, () => void cleanUp().then(() => process.exit(1)));
}
try {
  await demo();
  await cleanUp();
  console.log('\n  Both processes stopped, nothing left behind.\n');
} catch (error) {
  if (cleaning === undefined) {
    process.exitCode = 1;
    console.error(`\n  The demo did not work: ${error.message}\n`);
  }
  await cleanUp();
}
