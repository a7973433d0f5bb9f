import path from 'node:path';
import { ADMINISTRATION, Api } from './support/api';
import { createTestDatabase, type TestDatabase } from './support/database';
import { eventually } from './support/eventually';
import { checkHistory, type Published } from './support/feed-checker';
import { observeByPolling, observeEvents, type Observer } from './support/observers';
import { startProxy, type Proxy } from './support/proxy';
import { startServerProcess, type ServerProcess } from './support/server-process';

/**
 * One replica that is well, where everything is published, and one that everything happens to: its clock is ten minutes
 * ahead all along. Its clients must not notice more than that news come a little later.
 */
jest.setTimeout(60_000);

const TEN_MINUTES = 600_000;
const TARGET = { service: 'orders', environment: 'base' };

let database: TestDatabase;
let proxy: Proxy;
let well: ServerProcess;
let poor: ServerProcess;
let token: string;
let observers: Observer[];
const history: Published[] = [];
let newestRead = 0;

beforeAll(async () => {
  database = await createTestDatabase();
  proxy = await startProxy(database.url);
  well = await startServerProcess({ DATABASE_URL: database.url });
  token = well.token!;
  poor = await startServerProcess({
    DATABASE_URL: proxy.through(database.url),
    TRIMTAB_DATABASE_STATEMENT_TIMEOUT_MS: '1000',
    TRIMTAB_LOG_POLL_INTERVAL_MS: '1500',
    TRIMTAB_FEED_HEARTBEAT_MS: '500',
    TRIMTAB_FEED_BOOKMARK_INTERVAL_MS: '200',
    NODE_OPTIONS: `--require ${path.join(__dirname, 'support/shifted-clock.cjs')}`,
    SHIFTED_CLOCK_MS: String(TEN_MINUTES),
  });
  await new Api(well.url, token).given({}, ['orders']);
  await publish();
  await eventually(async () => expect(await read()).toBe(1));
  const target = { url: poor.url, key: token, ...TARGET };
  observers = [observeEvents('events', target), observeByPolling('polls', target)];
  await caughtUp();
}, 60_000);

afterAll(async () => {
  await Promise.all(observers.map((observer) => observer.stop()));
  await well.kill();
  await poor.kill('SIGKILL');
  await proxy.close();
  await database.close();
});

async function publish(): Promise<void> {
  const api = new Api(well.url, token);
  await api.must('PUT', '/api/v1/services/orders/environments/base/documents/application', `n: ${history.length}\n`, { 'content-type': 'application/yaml' });
  const { json } = await api.must('GET', '/v1/config/base/orders');
  history.push({ revision: json.revision as number, etag: json.etag as string });
}

const checks = async () => (await new Api(poor.url, undefined).get('/health/ready')).json.checks;

/** A read without a position, which must never be older than one before it. */
async function read(): Promise<number> {
  const { json } = await new Api(poor.url, token).must('GET', '/v1/config/base/orders');
  expect(json.revision).toBeGreaterThanOrEqual(newestRead);
  newestRead = json.revision as number;
  return newestRead;
}

/** By itself: it is asked for nothing but what it has. */
async function caughtUp(): Promise<void> {
  const last = history.at(-1)!;
  await eventually(async () => expect(await read()).toBe(last.revision), { timeoutMs: 15_000 });
  await eventually(() => observers.forEach(({ events }) => expect(events.findLast(({ type }) => type === 'applied')).toMatchObject(last)), { timeoutMs: 15_000 });
  await eventually(async () => expect(await checks()).toMatchObject({ database: 'up', listener: 'up', lag: 0, position: last.revision }), { timeoutMs: 15_000 });
}

it('says how far its clock is off', async () => {
  expect(Math.abs((await checks()).clockOffsetMs + TEN_MINUTES)).toBeLessThan(5_000);
});

it('lets in who is let in elsewhere, and publishes in the order of the log, whatever its clock says', async () => {
  const { json } = await new Api(well.url, token).must('POST', '/api/v1/tokens', { name: 'for an hour', grants: ADMINISTRATION, expiresAt: new Date(Date.now() + 3_600_000).toISOString() });
  const api = new Api(poor.url, json.secret as string);
  await eventually(() => api.must('GET', '/v1/config/base/orders'));
  const published = await api.putYaml('orders@base', `n: ${-1}\n`);
  expect(published.json.revision).toBe(history.at(-1)!.revision + 1);
  const { json: now } = await api.must('GET', '/v1/config/base/orders');
  history.push({ revision: now.revision as number, etag: now.etag as string });
  await publish();
  await caughtUp();
});

it('catches up when the session of its listener is ended', async () => {
  await database.dataSource.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'trimtab listener' AND datname = current_database()");
  await publish();
  await caughtUp();
});

it('catches up when its connections to the database go silent without being closed, and says meanwhile that it lags', async () => {
  proxy.halfOpen();
  await publish();
  await eventually(async () => {
    expect((await checks()).listenerAgeMs).toBeGreaterThan(1_700);
  });
  await caughtUp();
  expect((await checks()).listenerAgeMs).toBeLessThan(1_700);
});

it('catches up when it was stopped for seconds while the log went on', async () => {
  process.kill(poor.pid, 'SIGSTOP');
  for (let count = 0; count < 3; count += 1) await publish();
  // The length of the pause is the fault; nothing is expected of it.
  await new Promise((resolve) => setTimeout(resolve, 3_000));
  process.kill(poor.pid, 'SIGCONT');
  await caughtUp();
});

it('has let nobody go back', () => {
  expect(checkHistory(observers.flatMap(({ events }) => events), history)).toEqual([]);
  for (const { events } of observers) expect(events.filter(({ type }) => type === 'applied').length).toBeGreaterThan(4);
});
