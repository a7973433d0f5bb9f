// Publishing to a library that many services include, and what everybody else notices of it meanwhile.
import { request } from 'node:http';
import { LIBRARY, serviceName } from './growth-data.cjs';
import { result } from './support/results.mjs';
import { percentile } from './support/statistics.mjs';

const WATCHED = 200;
const LIBRARY_PATH = `/api/v1/services/${LIBRARY}/environments/base/documents/application`;
const YIELD_AIM_MS = 50;
/** Others share two cores with the work; they may feel that, and must not wait for its end. */
const MEANWHILE_AIM = 3;

/** @param side the large one: `{ http, connect, server, services, includers }` */
export async function measureLibrary({ side, quick }) {
  const publishes = quick ? 1 : 3;
  const seconds = quick ? 0.5 : 4;
  const configs = (side.includers + 1) * 5;
  const name = (what) => `library that ${side.includers.toLocaleString('en-US')} services include in 5 environments, ${what}`;
  const results = [];
  const row = (what, unit, values, rest = {}) => results.push(result({ name: name(what), unit, values, ...rest }));

  const before = await side.server.probe('memory');
  const first = await publish(side, 1);
  if (first.affected !== configs) throw new Error(`${first.affected} configs instead of ${configs} would change.`);
  row('first publish after the start', 'ms', [first.ms]);
  const times = [];
  const blocks = [];
  const dryRuns = [];
  const cpu = [];
  for (let count = 2; count < 2 + publishes; count += 1) {
    dryRuns.push((await publish(side, count, '?dryRun=true')).ms);
    const usedBefore = await cpuOf(side);
    await side.server.probe('watchLoop');
    times.push((await publish(side, count)).ms);
    blocks.push(await side.server.probe('longestBlockMs'));
    cpu.push((await cpuOf(side)) - usedBefore);
  }
  row('impact (dry run)', 'ms', dryRuns);
  row('publish', 'ms', times);
  row('publish, CPU of the server', 'ms', cpu);
  row('publish, longest block of the event loop', 'ms', blocks, { limits: [YIELD_AIM_MS], aim: 1 });
  row('size of the answer', 'KiB', [first.bytes / 1_024]);

  const watchers = await watch(side, Math.min(WATCHED, side.includers));
  const spans = [];
  const watchedBlocks = [];
  for (let count = 20; count < 20 + publishes; count += 1) {
    await side.server.probe('watchLoop');
    const told = watchers.next();
    const { sentAt, ms } = await publish(side, count);
    spans.push((await told) - sentAt - ms);
    watchedBlocks.push(await side.server.probe('longestBlockMs'));
  }
  row(`answer → the last of ${watchers.count} watched configs has it`, 'ms', spans);
  row('the same, longest block of the event loop', 'ms', watchedBlocks, { limits: [YIELD_AIM_MS], aim: 1 });
  watchers.close();

  const alone = await bystanders(side, seconds, async () => undefined);
  let publishedMeanwhile = 0;
  const during = await bystanders(side, seconds, async (running) => {
    for (let count = 40; running(); count += 1) {
      await publish(side, count);
      publishedMeanwhile += 1;
    }
  });
  for (const [who, times] of Object.entries(during)) {
    row(`${who} meanwhile, p50`, 'ms', [percentile(times, 0.5)], { limits: [percentile(alone[who], 0.5)], aim: MEANWHILE_AIM });
    row(`${who} meanwhile, p99`, 'ms', [percentile(times, 0.99)], { limits: [percentile(alone[who], 0.99)] });
  }
  row('published meanwhile, against writers of what includes it', 'publishes', [publishedMeanwhile]);
  const after = await side.server.probe('memory');
  row('memory held afterwards', 'MB', [(after.rss - before.rss) / 1e6]);
  return results;
}

async function cpuOf({ server }) {
  const { user, system } = await server.probe('cpu');
  return (user + system) / 1_000;
}

async function publish({ http }, edition, query = '') {
  const sentAt = performance.now();
  const body = JSON.stringify({ limit: edition, library: { edition, retries: edition % 7 }, http: { timeouts: { idleMs: 1_000 + edition } } });
  const { ms, text } = await http.ask('PUT', LIBRARY_PATH + query, body);
  const { impact, truncated } = JSON.parse(text);
  return { sentAt, ms, bytes: text.length, affected: truncated?.configs ?? impact.length };
}

/** Who else is at work: a writer of unrelated services, one of services that include the library, readers, the balancer. */
async function bystanders(side, seconds, work) {
  const end = performance.now() + seconds * 1_000;
  const running = () => performance.now() < end;
  const repeat = async (method, path, body) => {
    const http = side.connect();
    const times = [];
    for (let count = 0; running(); count += 1) times.push(await http.time(method, path(count), body?.(count)));
    http.close();
    return times;
  };
  const edit = (count) => JSON.stringify({ db: { pool: { max: count } }, at: performance.now() });
  const layer = (number) => `/api/v1/services/${serviceName(number)}/environments/base/documents/application`;
  const names = ['publish of an unrelated service', 'publish of a service that includes it', 'read of a warm snapshot', 'health check'];
  const all = await Promise.all([
    repeat('PUT', (count) => layer(side.includers + 1 + (count % Math.min(50, side.services - side.includers))), edit),
    repeat('PUT', (count) => layer(1 + (count % 50)), edit),
    repeat('GET', () => `/v1/config/base/${serviceName(side.services)}`),
    repeat('GET', () => '/health/ready'),
    work(running),
  ]);
  return Object.fromEntries(names.map((name, index) => [name, all[index]]));
}

/** Event streams of `count` configs that include the library. */
async function watch(side, count) {
  let waiting = 0;
  let resolve;
  const requests = await Promise.all(
    Array.from({ length: count }, (_, index) => {
      const path = `/v1/config/production-eu/${serviceName(1 + ((index * 7) % side.includers))}`;
      return new Promise((opened, failed) => {
        const sent = request({ host: '127.0.0.1', port: side.server.port, path, headers: { ...side.headers, accept: 'text/event-stream' } }, (response) => {
          let first = true;
          response.setEncoding('utf8');
          response.on('error', () => undefined);
          response.on('data', (text) => {
            if (first) opened(sent);
            else if (/^event: (snapshot|delta)/m.test(text) && --waiting === 0) resolve(performance.now());
            first = false;
          });
        });
        sent.on('error', failed);
        sent.end();
      });
    }),
  );
  return {
    count,
    /** When the last of them has its next snapshot. */
    next: () =>
      new Promise((done) => {
        waiting = count;
        resolve = done;
      }),
    close: () => requests.forEach((sent) => sent.destroy()),
  };
}
