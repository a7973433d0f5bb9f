// Micro-benchmarks of the built client: reading, and applying a snapshot. Run `node --expose-gc client/bench/read.mjs`
// after a build; `--json` prints the figures as JSON. Figures are medians, in nanoseconds of CPU.
import { createInMemoryClient } from '../dist/esm/testing.js';
import { canonicalJson, etagOf } from '../dist/esm/protocol.js';

const ROUNDS = 9;
const READS = 2e7;

/** Nanoseconds of CPU per call of a loop over `count`, the median of the rounds after one to warm up. */
function measure(count, loop) {
  loop(count);
  const times = [];
  for (let round = 0; round < ROUNDS; round++) times.push(once(count, loop));
  return median(times);
}

function once(count, loop) {
  const before = process.cpuUsage();
  globalThis.sink = loop(count);
  const { user, system } = process.cpuUsage(before);
  return ((user + system) * 1000) / count;
}

const median = (times) => times.sort((a, b) => a - b)[times.length >> 1];

/** Bytes allocated per call. */
function allocation(count, loop) {
  if (typeof globalThis.gc !== 'function') return undefined;
  globalThis.gc();
  const before = process.memoryUsage().heapUsed;
  globalThis.sink = loop(count);
  return Math.max(0, Math.round(((process.memoryUsage().heapUsed - before) / count) * 1000) / 1000);
}

function deepFreeze(value) {
  for (const child of Object.values(value)) if (typeof child === 'object' && child !== null) deepFreeze(child);
  return Object.freeze(value);
}

const value = () => JSON.parse('{"server":{"port":80},"db":{"url":"x","pool":{"min":1,"max":20}},"log":"info"}');
// Two of each, chosen at run time: else the compiler may fold a constant object away and nothing is measured.
const plains = [deepFreeze(value()), deepFreeze(value())];
const maps = plains.map((plain) => new Map([['log', plain.log], ['db.pool.max', plain.db.pool.max]]));
const configs = [await createInMemoryClient(value()), await createInMemoryClient(value())];
const pick = (list) => list[Date.now() & 1];

const loops = {
  'plain frozen property': (n) => {
    const plain = pick(plains);
    let sum = 0;
    for (let i = 0; i < n; i++) sum += plain.db.pool.max;
    return sum;
  },
  'config.snapshot().db.pool.max': (n) => {
    const config = pick(configs);
    let sum = 0;
    for (let i = 0; i < n; i++) sum += config.snapshot().db.pool.max;
    return sum;
  },
  'Map.get': (n) => {
    const map = pick(maps);
    let sum = 0;
    for (let i = 0; i < n; i++) sum += map.get('db.pool.max');
    return sum;
  },
  "config.get('db.pool.max')": (n) => {
    const config = pick(configs);
    let sum = 0;
    for (let i = 0; i < n; i++) sum += config.get('db.pool.max');
    return sum;
  },
};

const results = {};
const times = new Map(Object.keys(loops).map((name) => [name, []]));
for (const loop of Object.values(loops)) loop(READS);
// Round by round, so that what else the machine does falls on all alike.
for (let round = 0; round < ROUNDS; round++) {
  for (const [name, loop] of Object.entries(loops)) times.get(name).push(once(READS, loop));
}
for (const [name, loop] of Object.entries(loops)) {
  results[name] = { ns: median(times.get(name)), bytesPerCall: allocation(1e7, loop) };
}
results['snapshot / plain'] = { ratio: results['config.snapshot().db.pool.max'].ns / results['plain frozen property'].ns, aim: 1.5 };
results['get / Map.get'] = { ratio: results["config.get('db.pool.max')"].ns / results['Map.get'].ns, aim: 2 };

// While another call tree may be pinned to an older snapshot.
let release;
const pinned = configs[0].runPinned(() => new Promise((resolve) => (release = resolve)).then(() => configs[0].get('log')));
await configs[0].publish({ ...value(), log: 'debug' });
const other = configs[0];
results['get, beside a pinned call tree'] = {
  ns: measure(2e6, (n) => {
    let sum = 0;
    for (let i = 0; i < n; i++) sum += other.get('db.pool.max');
    return sum;
  }),
};
release();
await pinned;

// A snapshot of about 1 KiB, as 1,000 clients in one process take it: parse, verify, share, freeze, swap.
const big = (n) => ({
  server: { port: 8080, host: '0.0.0.0', timeoutMs: 30_000 + n },
  db: { url: 'postgres://orders:secret@db.internal:5432/orders', pool: { min: 2, max: 20, idleMs: 10_000 } },
  features: Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`feature-${i}`, { enabled: i % 2 === 0, share: i / 20 }])),
  hosts: ['a.example.com', 'b.example.com'],
});
const messages = Array.from({ length: 2 }, (_, n) => JSON.stringify({ application: { format: 'json', value: big(n) } }));
results['1 KiB'] = { bytes: messages[0].length };
results['1 KiB: JSON.parse'] = { ns: measure(20_000, (n) => { let last; for (let i = 0; i < n; i++) last = JSON.parse(messages[i & 1]); return last; }) };
const parsed = JSON.parse(messages[0]);
results['1 KiB: canonicalJson'] = { ns: measure(20_000, (n) => { let last; for (let i = 0; i < n; i++) last = canonicalJson(parsed); return last; }) };
results['1 KiB: etagOf'] = { ns: measure(20_000, (n) => { let last; for (let i = 0; i < n; i++) last = etagOf(parsed); return last; }) };
const { Follower } = await import('../dist/esm/follower.js');
const { ConfigClient } = await import('../dist/esm/config-client.js');
const { silentLogger } = await import('../dist/esm/logger.js');
const etags = messages.map((message) => etagOf(JSON.parse(message)));
const clients = Array.from({ length: 1000 }, (_, n) => {
  const follower = new Follower({ mainName: 'application', schema: undefined, restartOnly: [], applyTimeoutMs: 1000, logger: silentLogger, instanceId: String(n) });
  new ConfigClient(follower);
  follower.attach({ report: () => undefined, resubscribe: () => undefined, close: async () => undefined });
  return follower;
});
let revision = 0;
results['1 KiB: whole apply after parsing, parsing included'] = {
  ns: measure(20_000, (n) => {
    for (let i = 0; i < n; i++) {
      if (i % 1000 === 0) revision++;
      const documents = JSON.parse(messages[revision & 1]);
      clients[i % 1000].receive({ type: 'snapshot', revision, etag: etags[revision & 1], layers: [], documents });
    }
  }),
};
for (const config of configs) await config.close();

if (process.argv.includes('--json')) console.log(JSON.stringify(results, null, 2));
else console.table(results);
