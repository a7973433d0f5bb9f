import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ADMINISTRATION, Api } from './support/api';
import { openSocketIo, openStream } from './support/connections';
import { createTestDatabase, type TestDatabase } from './support/database';
import { eventually } from './support/eventually';
import { observeEvents, observeWithClient, type Observer } from './support/observers';
import { opened } from './support/open-resources';
import { startProxy, type Proxy } from './support/proxy';
import { runServerProcess, startServerProcess, type ServerProcess } from './support/server-process';

/** Whole processes, with a database behind a proxy that takes it away. */
jest.setTimeout(60_000);

let folder: string;
let removed: () => void;
let database: TestDatabase;
let proxy: Proxy;
let token: string;
let key: string;
/** The two secrets of a key that is being rotated. */
let rotating: string[];
let running: ServerProcess[] = [];
let observers: Observer[] = [];

const TARGET = { service: 'orders', environment: 'production' };

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'trimtab-without-'));
  removed = opened(`folder ${folder}`);
  database = await createTestDatabase();
  proxy = await startProxy(database.url);
  const first = await start();
  token = first.token!;
  const api = new Api(first.url, token);
  await api.given({ production: 'base' }, ['orders', 'billing', 'cold']);
  await api.putYaml('orders@base', '# as written\nn: 1\nname: base\n');
  await api.putYaml('orders@production', 'name: production\n');
  await api.putYaml('billing@base', 'n: 1\n');
  await api.putYaml('cold@base', 'n: 1\n');
  key = (await api.must('POST', '/api/v1/client-keys', { name: 'orders', ...TARGET })).json.secret as string;
  const { id, secret } = (await api.must('POST', '/api/v1/client-keys', { name: 'rotating', ...TARGET })).json as { id: string; secret: string };
  rotating = [secret, (await api.must('POST', `/api/v1/client-keys/${id}/rotate`, {})).json.secret as string];
  await api.values('orders@production');
  await api.values('billing@base');
  await copied(first);
  await first.kill();
}, 60_000);

afterEach(async () => {
  await Promise.all(observers.map((observer) => observer.stop()));
  observers = [];
  for (const server of running) await server.kill('SIGKILL');
  running = [];
  proxy.accept();
});

afterAll(async () => {
  await proxy.close();
  await database.close();
  rmSync(folder, { recursive: true, force: true });
  removed();
});

async function start(env: Record<string, string> = {}): Promise<ServerProcess> {
  const server = await startServerProcess({
    DATABASE_URL: proxy.through(database.url),
    TRIMTAB_COPY_FOLDER: path.join(folder, 'copy'),
    TRIMTAB_DATABASE_CONNECT_TIMEOUT_MS: '1000',
    TRIMTAB_FEED_BOOKMARK_INTERVAL_MS: '200',
    TRIMTAB_FEED_HEARTBEAT_MS: '1000',
    ...env,
  });
  running.push(server);
  return server;
}

const health = async (server: ServerProcess, query = '') => new Api(server.url, undefined).get(`/health/ready${query}`);

/** Everything the process knows is on its disk. */
async function copied(server: ServerProcess): Promise<void> {
  await eventually(async () => {
    const { json } = await health(server);
    expect(json.copy).toMatchObject({ state: 'kept', behindMs: 0, position: json.checks.position });
    expect(json.copy.snapshots).toBeGreaterThan(0);
  });
}

describe('given a process that starts while the database is away', () => {
  let server: ServerProcess;
  let api: Api;
  let away: Proxy;

  beforeAll(async () => {
    away = await startProxy(database.url);
    away.refuse();
    server = await start({ DATABASE_URL: away.through(database.url) });
    // It stays for all of these.
    running = [];
    api = new Api(server.url, token);
  });
  afterAll(async () => {
    await server.kill('SIGKILL');
    await away.close();
  });

  it('serves what it knew, to those it knew, and nobody else', async () => {
    const answer = await api.as(key).get('/v1/config/production/orders');
    expect(answer.json).toMatchObject({ revision: 2, documents: { application: { value: { n: 1, name: 'production' } } } });
    expect(answer.headers.get('trimtab-revision')).toBe('4');
    expect((await api.as(key).get('/v1/config/production/orders', { 'if-none-match': answer.json.etag as string })).status).toBe(304);
    expect(await api.values('billing@base')).toEqual({ application: { n: 1 } });
    for (const secret of rotating) expect((await api.as(secret).get('/v1/config/production/orders')).status).toBe(200);
    expect((await api.as(key).get('/v1/config/base/billing')).status).toBe(403);
    expect((await api.as(undefined).get('/v1/config/production/orders')).status).toBe(401);
    // It may be younger than the copy: nobody can tell.
    expect((await api.as(`ttk_${'a'.repeat(43)}`).get('/v1/config/production/orders')).status).toBe(503);
  });

  it('gives documents as they were written', async () => {
    await api.must('GET', '/v1/config/production/orders/application');
    expect((await api.get('/v1/config/base/billing/application')).text).toBe('n: 1\n');
  });

  it('feeds over every transport, from where the client stands', async () => {
    for (const open of [openSocketIo, openStream]) {
      const connection = await open(server.url, key, TARGET);
      expect(connection.messages[0]).toMatchObject({ type: 'snapshot', revision: 2 });
      connection.close();
      await connection.ended;
    }
    expect((await api.as(key).get('/v1/config/production/orders?revision=4')).status).toBe(200);
    // Somebody has seen more than this process knows: it does not answer with less.
    expect((await api.as(key).get('/v1/config/production/orders?revision=5')).json).toMatchObject({ status: 503, code: 'unavailable' });
  });

  it('says what it is: live, ready for reads, not for publishing', async () => {
    expect((await api.get('/health/live')).status).toBe(200);
    const { status, json } = await health(server);
    expect([status, json]).toMatchObject([200, { status: 'ready', serving: 'copy', checks: { database: 'down', listener: 'down', lag: null, position: 4 }, log: { state: 'unread' } }]);
    expect((await health(server, '?for=publishing')).status).toBe(503);
  });

  it.each([
    ['publish', () => api.putYaml('orders@base', 'n: 2\n')],
    ['publish with a key', () => api.putYaml('orders@base', 'n: 2\n', 'application', { 'idempotency-key': 'k' })],
    ['read what is only in the database', () => api.get('/api/v1/revisions')],
    ['read a layer', () => api.get('/api/v1/services/orders/environments/base')],
    ['list environments', () => api.get('/api/v1/environments')],
    ['make a credential', () => api.post('/api/v1/tokens', { name: 'new', grants: ADMINISTRATION })],
    ['recover', () => api.post('/api/v1/recoveries', { message: 'why', above: 10 })],
    ['read a snapshot that is not at hand', () => api.get('/v1/config/production/cold')],
    ['read as of a revision', () => api.get('/v1/config/production/orders?asOf=1')],
  ])('answers 503 with a problem and Retry-After to a request to %s', async (_what, request) => {
    const answer = await request();
    expect(answer.json).toMatchObject({ status: 503, code: 'unavailable' });
    expect(answer.headers.get('retry-after')).toBe('1');
  });
});

it('catches up by itself when the database is back, without cutting anyone, and repeats nothing', async () => {
  proxy.refuse();
  const server = await start();
  observers = [await observeWithClient('client', { url: server.url, key, ...TARGET }), observeEvents('events', { url: server.url, key, ...TARGET })];
  await eventually(() => observers.forEach(({ events }) => expect(events.filter(({ type }) => type === 'applied')).toHaveLength(1)));

  proxy.accept();
  await eventually(async () => expect((await health(server, '?for=publishing')).status).toBe(200), { timeoutMs: 20_000 });
  expect((await health(server)).json).toMatchObject({ serving: 'log', checks: { lag: 0 }, log: { state: 'followed' } });
  const { json } = await new Api(server.url, token).putYaml('orders@base', `n: ${Date.now()}\n`);
  await eventually(() =>
    observers.forEach(({ events }) => expect(events.filter(({ type }) => type === 'applied').map((event) => ('revision' in event ? event.revision : 0))).toEqual([2, json.revision])),
  );
  expect(observers[1]!.events.filter(({ type }) => type === 'connected')).toHaveLength(1);
  await copied(server);
});

it('does not wait for a fault that does not pass by itself', async () => {
  const url = new URL(database.url);
  url.password = 's3cret';
  const { code, stderr } = await runServerProcess({ DATABASE_URL: url.href, TRIMTAB_COPY_FOLDER: path.join(folder, 'copy') });
  expect(code).toBe(1);
  expect(stderr).toMatch(/refuses the user or the password/);
});

it('does not start without the database when what it knew is damaged', async () => {
  const copy = path.join(folder, 'damaged');
  const server = await start({ TRIMTAB_COPY_FOLDER: copy });
  await new Api(server.url, token).values('orders@production');
  await copied(server);
  await server.kill('SIGKILL');
  writeFileSync(path.join(copy, 'state'), readFileSync(path.join(copy, 'state'), 'utf8').replace('orders', 'orderz'));
  proxy.refuse();
  const { code, stderr } = await runServerProcess({ DATABASE_URL: proxy.through(database.url), TRIMTAB_COPY_FOLDER: copy });
  expect(code).toBe(1);
  expect(stderr).toMatch(/is damaged/);
  expect(stderr).not.toContain('s3cret');
});

it('serves what is on its disk and not in its memory when a running process loses the database', async () => {
  const server = await start();
  const api = new Api(server.url, token);
  const expected = await api.values('orders@production');
  proxy.refuse();
  await eventually(async () => expect((await health(server)).json.checks).toMatchObject({ database: 'down', listener: 'down' }));
  expect(await api.values('orders@production')).toEqual(expected);
  expect(await api.values('billing@base')).toEqual({ application: { n: 1 } });
  expect((await api.get('/v1/config/production/cold')).status).toBe(503);
});

it('does not use the copy of another log', async () => {
  const other = await createTestDatabase();
  await other.dataSource.query('UPDATE log_identity SET id = gen_random_uuid()');
  const server = await start({ DATABASE_URL: other.url });
  const api = new Api(server.url, server.token);
  expect((await api.get('/v1/config/production/orders')).status).toBe(404);
  expect((await health(server)).json).toMatchObject({ checks: { position: 0, lag: 0 }, log: { state: 'followed' } });
  expect((await new Api(server.url, key).get('/v1/config/production/orders')).status).toBe(401);
  await server.kill();
  await other.close();
  // It was overwritten by what is known of the other log; those who come after begin with what they find.
  expect(readFileSync(path.join(folder, 'copy', 'state'), 'utf8')).not.toContain('"orders@production"');
  const back = await start();
  await new Api(back.url, token).values('orders@production');
  await new Api(back.url, token).values('billing@base');
  await copied(back);
});

it('leaves the folder to the process that has it, and runs without a copy', async () => {
  const [one, two] = [await start(), await start()];
  expect([(await health(one)).json.copy.state, (await health(two)).json.copy.state]).toEqual(['kept', 'taken']);
  expect(two.stderr()).toContain('TRIMTAB_COPY_FOLDER');
});

it('keeps no secret on its disk that the database does not hold', async () => {
  const server = await start();
  await new Api(server.url, token).values('orders@production');
  await copied(server);
  const files = readdirSync(path.join(folder, 'copy')).map((name) => readFileSync(path.join(folder, 'copy', name), 'utf8'));
  expect(files.some((text) => text.includes(token) || text.includes(key))).toBe(false);
});
