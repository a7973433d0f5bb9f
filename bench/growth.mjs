// npm run bench:growth [-- [--services=10000] [--releases=1000000] [--includers=1000] [--quick] [--out=<file>] [catalog] [library]]:
// what a large catalog costs against a small one, and what publishing to a library that many services include does.
// Writes bench/growth-results.json; docs/performance.md says how to read it.
import { writeFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { parseArgs } from 'node:util';
import pg from 'pg';
import { ENVIRONMENT_NAMES, loadCatalog } from './growth-data.cjs';
import { measureCatalog } from './growth-catalog.mjs';
import { measureLibrary } from './growth-library.mjs';
import { against, result, table } from './support/results.mjs';
import { endAll } from './support/role.mjs';
import { World } from './support/world.mjs';

const SMALL = { services: 100, versions: 20, includers: 10 };
const PARTS = ['catalog', 'library'];
const LIMIT_START_CPU_SECONDS = 5;

const number = { type: 'string' };
const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: { services: number, releases: number, includers: number, quick: { type: 'boolean', default: false }, out: { type: 'string' } },
});
const unknown = positionals.filter((name) => !PARTS.includes(name));
if (unknown.length > 0) {
  process.stderr.write(`There is no part ${unknown.join(', ')}. There are: ${PARTS.join(', ')}.\n`);
  process.exit(2);
}
const services = Number(options.services ?? 10_000);
const versions = Math.max(1, Math.round(Number(options.releases ?? 1_000_000) / (services * ENVIRONMENT_NAMES.length)));
const sizes = { services, versions, includers: Math.min(Number(options.includers ?? 1_000), services - 1) };
const parts = positionals.length === 0 ? PARTS : positionals;
const isWhole = parts.length === PARTS.length && !options.quick && options.services === undefined && options.releases === undefined && options.includers === undefined;
const out = options.out ?? (isWhole ? new URL('./growth-results.json', import.meta.url) : undefined);

const world = new World();
const results = [];
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => void stop().then(() => process.exit(130)));
try {
  const large = await side(sizes);
  const small = await side(SMALL);
  results.push(
    ...(await started('start to ready, the server, CPU', 's of CPU', large, small, (server) => server.probe('cpu').then(({ user, system }) => (user + system) / 1e6))),
    ...(await started('resident memory, idle', 'MB', large, small, (server) => server.probe('memory').then(({ rss }) => rss / 1e6))),
  );
  if (parts.includes('catalog')) results.push(...(await timed('catalog', () => measureCatalog({ large, small, quick: options.quick }))));
  await small.server.end();
  if (parts.includes('library')) results.push(...(await timed('library', () => measureLibrary({ side: large, quick: options.quick }))));
} catch (error) {
  process.stderr.write(`${error.stack}\n`);
  process.exitCode = 1;
} finally {
  await stop();
}
process.stdout.write(`\n${table(results)}\n`);
if (out !== undefined && process.exitCode === undefined) writeFileSync(out, `${JSON.stringify(results.map(({ row }) => row), null, 2)}\n`);

/** A database of that size and a server on it, started after it was filled. */
async function side(size) {
  const { databaseUrl, token, ...empty } = await world.server();
  await empty.end();
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  await timed(`${size.services} services, ${size.services * ENVIRONMENT_NAMES.length * size.versions} releases`, () => loadCatalog(client, size));
  const { rows } = await client.query('SELECT max(id)::int AS revisions FROM revision');
  await client.end();
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  const server = await world.server({ databaseUrl, execArgv: ['--expose-gc'] });
  const connect = () => connection(server.port, headers);
  return { ...size, revisions: rows[0].revisions, server, headers, connect, http: connect() };
}

async function started(name, unit, large, small, measure) {
  const [value, limit] = [await measure(large.server), await measure(small.server)];
  const rows = [result({ name: `${name}, large against small`, unit, values: [value], limits: [limit] })];
  if (unit === 's of CPU') rows.push(against(LIMIT_START_CPU_SECONDS, { name: `${name}, large`, unit, values: [value], aim: 1 }));
  return rows;
}

/** One kept connection that tells how long an answer took. */
function connection(port, headers) {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const ask = (method, path, body) =>
    new Promise((resolve, reject) => {
      const start = performance.now();
      const length = body === undefined ? {} : { 'content-length': Buffer.byteLength(body) };
      const sent = request({ agent, host: '127.0.0.1', port, method, path, headers: { ...headers, ...length } }, (response) => {
        const chunks = [];
        response.on('data', (chunk) => chunks.push(chunk));
        response.on('end', () => {
          const ms = performance.now() - start;
          const text = Buffer.concat(chunks).toString();
          if (response.statusCode < 300) resolve({ ms, text });
          else reject(new Error(`${method} ${path} answered ${response.statusCode}: ${text.slice(0, 300)}`));
        });
      });
      sent.on('error', reject);
      sent.end(body);
    });
  return { ask, time: async (...args) => (await ask(...args)).ms, close: () => agent.destroy() };
}

async function timed(name, work) {
  const start = performance.now();
  const done = await work();
  process.stderr.write(`${name}: ${((performance.now() - start) / 1_000).toFixed(1)} s\n`);
  return done;
}

async function stop() {
  await endAll();
  await world.close();
}
