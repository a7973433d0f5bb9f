import { Shutdown } from '../src/health/shutdown';
import { Api } from './support/api';
import { createTestDatabase, type TestDatabase } from './support/database';
import { eventually } from './support/eventually';
import { startProxy, type Proxy } from './support/proxy';
import { samplesOf } from './support/prometheus';
import { startServer, type TestServer } from './support/server';

let database: TestDatabase;
let proxy: Proxy;
let server: TestServer;
let api: Api;

beforeAll(async () => {
  database = await createTestDatabase();
  proxy = await startProxy(database.url);
  server = await startServer({ databaseUrl: proxy.through(database.url), database: { connectTimeoutMs: 500 } }, database);
  api = new Api(server.url, server.token);
});
afterAll(async () => {
  await server.close();
  await proxy.close();
  await database.close();
});

const ready = (query = '') => api.as(undefined).get(`/health/ready${query}`);

describe('given a server that is well', () => {
  it('is live and ready, and says so to anyone', async () => {
    expect((await api.as(undefined).get('/health/live')).json).toEqual({ status: 'live' });
    const answer = await ready();
    expect(answer.status).toBe(200);
    expect(answer.json).toEqual({
      status: 'ready',
      serving: 'log',
      checks: { database: 'up', listener: 'up', listenerAgeMs: expect.any(Number), lag: 0, position: 0, clockOffsetMs: expect.any(Number), shuttingDown: false },
      log: { state: 'followed', clientsAhead: { count: 0, highest: 0 } },
      copy: { state: 'none', position: 0, snapshots: 0, behindMs: 0 },
    });
    expect(Math.abs(answer.json.checks.clockOffsetMs)).toBeLessThan(1_000);
  });

  it('shows its metrics to whoever has a credential', async () => {
    await api.given({}, ['orders']);
    await api.must('PUT', '/api/v1/services/orders/environments/base/documents/application', '{}', { 'content-type': 'application/json' });
    const { text, headers } = await api.must('GET', '/metrics');
    expect(headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(text).toMatch(/^trimtab_log_position 1$/m);
    expect(text).toMatch(/^trimtab_feed_connections\{transport="sse"\} 0$/m);
    for (const { value } of samplesOf(text)) expect(value).not.toBeNaN();
    expect((await api.as(undefined).get('/metrics')).status).toBe(401);
  });
});

describe('given a database that cannot be reached', () => {
  it('stays live and ready for reads, answers writes with 503 and a problem, and recovers by itself', async () => {
    proxy.refuse();
    const down = await eventually(async () => {
      const answer = await ready('?for=publishing');
      expect(answer.json).toMatchObject({ status: 'not-ready', serving: 'copy', checks: { database: 'down', listener: 'down', lag: null } });
      return answer;
    });
    expect(down.status).toBe(503);
    expect(await ready()).toMatchObject({ status: 200, json: { status: 'ready', serving: 'copy' } });
    expect(down.text).not.toMatch(/127\.0\.0\.1|ECONN|postgres/);
    expect((await api.get('/health/live')).status).toBe(200);
    const write = await api.post('/api/v1/services', { name: 'never' });
    expect(write.json).toMatchObject({ status: 503, code: 'unavailable' });
    expect(write.headers.get('retry-after')).toBe('1');
    proxy.accept();
    await eventually(async () => expect((await ready('?for=publishing')).status).toBe(200));
    expect((await api.post('/api/v1/services', { name: 'after' })).status).toBe(201);
  });

  it('is not ready to publish when the database does not answer at all', async () => {
    proxy.pause();
    try {
      const answer = await eventually(async () => {
        const one = await ready('?for=publishing');
        expect(one.status).toBe(503);
        return one;
      });
      expect(answer.json.checks.database).toBe('down');
    } finally {
      proxy.resume();
    }
    await eventually(async () => expect((await ready('?for=publishing')).status).toBe(200));
  });
});

describe('given a server that goes away', () => {
  it('first says that it is not ready, and still answers', async () => {
    const leaving = await startServer({ shutdownGraceMs: 200 }, database);
    try {
      const there = new Api(leaving.url, server.token);
      const mayClose = leaving.app.get(Shutdown).begin();
      expect((await there.get('/health/ready')).json).toMatchObject({ status: 'not-ready', checks: { shuttingDown: true } });
      expect((await there.get('/api/v1/services')).status).toBe(200);
      await mayClose;
    } finally {
      await leaving.close();
    }
  });
});

it('closes as soon as the requests under way are answered, and keeps no connection of theirs alive', async () => {
  const other = await startServer({}, database);
  const runner = database.dataSource.createQueryRunner();
  await runner.startTransaction();
  // As long as the log's lock is held here, a publish is under way.
  await runner.query('SELECT pg_advisory_xact_lock(8848, 2)');
  const publishing = new Api(other.url, server.token).request('PUT', '/api/v1/services/orders/environments/base/documents/closing', '{}', { 'content-type': 'application/json' });
  await eventually(async () => {
    const waiting = await database.dataSource.query<unknown[]>(`SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted`);
    expect(waiting.length).toBeGreaterThan(0);
  });
  const closed = other.close();
  await runner.rollbackTransaction();
  await runner.release();
  const { status, headers } = await publishing;
  expect([status, headers.get('connection')]).toEqual([200, 'close']);
  await closed;
});
