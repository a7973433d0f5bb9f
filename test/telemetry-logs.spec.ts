import path from 'node:path';
import { Api, layerPath } from './support/api';
import { Browser } from './support/browser';
import { createTestDatabase, type TestDatabase } from './support/database';
import { eventually } from './support/eventually';
import { startProxy, type Proxy } from './support/proxy';
import { rawRequest } from './support/raw-request';
import { routesOf } from './support/routes';
import { administratorToken } from './support/server';
import { startServerProcess, type ServerProcess } from './support/server-process';
import { startTraceCollector, type TraceCollector } from './support/trace-collector';

/** A whole process is started. */
jest.setTimeout(60_000);

const SECRET = 'hunter2-is-secret';
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const LAYER = '/api/v1/services/:service/environments/:environment';

interface Line {
  readonly level: string;
  readonly time: string;
  readonly message: string;
  readonly [field: string]: unknown;
}

let database: TestDatabase;
let proxy: Proxy;
let collector: TraceCollector;
let server: ServerProcess;
let api: Api;

beforeAll(async () => {
  database = await createTestDatabase();
  [proxy, collector] = [await startProxy(database.url), await startTraceCollector()];
  const token = await administratorToken(database);
  server = await startServerProcess({ DATABASE_URL: proxy.through(database.url), TRIMTAB_LOG_LEVEL: 'debug', TRIMTAB_DATABASE_CONNECT_TIMEOUT_MS: '500', OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, NODE_OPTIONS: `--require ${path.resolve(__dirname, 'support/throws-on-signal.cjs')}` });
  api = new Api(server.url, token);
});
afterAll(async () => {
  await server.kill();
  await proxy.close();
  await collector.close();
  await database.close();
});

function lines(): Line[] {
  return server.stderr().split('\n').filter((line) => line !== '').map((line) => JSON.parse(line) as Line);
}

/** The one line about this request that says how it was answered. */
function requestLine(requestId: string): Promise<Line> {
  return eventually(() => {
    const found = lines().filter((line) => line['requestId'] === requestId && line['status'] !== undefined);
    expect(found).toHaveLength(1);
    return found[0]!;
  });
}

it('writes nothing but JSON lines, each with its level, time and process', async () => {
  await api.get('/health/live');
  for (const line of await eventually(() => (expect(lines().length).toBeGreaterThan(3), lines()))) {
    expect(['trace', 'debug', 'info', 'warn', 'error', 'fatal']).toContain(line.level);
    expect(new Date(line.time).toISOString()).toBe(line.time);
    expect(line).toMatchObject({ pid: server.pid, hostname: expect.any(String), message: expect.any(String) });
  }
});

it('has one line for each request, by the pattern of its route, with its id, its actor and its trace', async () => {
  await api.given({ production: 'base' }, ['orders']);
  const [self] = (await api.get('/api/v1/tokens')).json.items as { id: string }[];
  const given = await api.get(`${layerPath('orders@production')}?${SECRET}=1`, { 'x-request-id': 'mine-1' });
  expect(given.headers.get('x-request-id')).toBe('mine-1');
  const line = await requestLine('mine-1');
  expect(line).toMatchObject({ level: 'info', method: 'GET', route: LAYER, status: given.status, actorId: self!.id, durationMs: expect.any(Number), traceId: expect.stringMatching(/^[0-9a-f]{32}$/) });

  const unknown = await api.as(undefined).get('/nowhere');
  const made = unknown.headers.get('x-request-id')!;
  expect(made).toMatch(UUID);
  expect(await requestLine(made)).toMatchObject({ status: 404, message: 'GET (no such route) 404' });
  const quiet = (await api.get('/metrics')).headers.get('x-request-id')!;
  expect(await requestLine(quiet)).toMatchObject({ level: 'debug', route: '/metrics', actorId: self!.id });
});

it('has a line for each revision, with what it takes to find the request', async () => {
  const { json } = await api.must('PUT', `${layerPath('orders@base')}/documents/application?message=${SECRET}`, `password: ${SECRET}\n`, { 'content-type': 'application/yaml', 'x-request-id': 'publishing-1' });
  const published = await eventually(() => lines().find((line) => line['revision'] === json.revision)!);
  expect(published).toMatchObject({ level: 'info', context: 'Publish', message: `Revision ${json.revision} is published.`, kind: 'publish', layers: 1, requestId: 'publishing-1' });
  expect(published['traceId']).toBe((await requestLine('publishing-1'))['traceId']);
});

it('tells of a failure without what the request held', async () => {
  proxy.refuse();
  try {
    const failed = await api.request('PUT', `${layerPath('orders@base')}/documents/other`, `password: ${SECRET}\n`, { 'content-type': 'application/yaml', 'x-request-id': 'failing-1' });
    expect(failed.status).toBe(503);
    const told = await eventually(() => lines().find((line) => line['requestId'] === 'failing-1' && line['err'] !== undefined)!);
    expect(told).toMatchObject({ level: 'warn', code: 'unavailable' });
  } finally {
    proxy.accept();
  }
});

it('never writes a value, a credential or a query string', async () => {
  const { json } = await api.must('POST', '/api/v1/client-keys', { name: 'orders', service: 'orders', environment: 'production' });
  await api.as(json.secret).must('GET', '/v1/config/production/orders/application', undefined, { cookie: `session=${SECRET}` });
  await api.as(`tta_${SECRET}`).get('/api/v1/services');
  await api.request('POST', '/api/v1/services', { name: SECRET.toUpperCase(), owner: SECRET });
  await requestLine((await api.get('/health/live')).headers.get('x-request-id')!);
  const written = server.stderr() + server.stdout();
  for (const secret of [SECRET, SECRET.toUpperCase(), json.secret as string, api.token!]) expect(written).not.toContain(secret);
});

it('never writes a password, a cookie, a link or a code', async () => {
  const { json } = await api.must('POST', '/api/v1/people', { login: 'ada', name: 'Ada' });
  const browser = new Browser(server.url);
  await browser.must('POST', '/api/v1/links', { secret: json.link.secret, password: `${SECRET} on the stair` });
  await browser.must('PUT', '/api/v1/session/password', { current: `${SECRET} on the stair`, password: `${SECRET} under the stair` });
  await new Browser(server.url).must('POST', '/api/v1/session', { login: 'ada', password: `${SECRET} under the stair` });
  const wrong = { secret: SECRET, login: SECRET, name: SECRET, password: SECRET, current: SECRET };
  for (const path of ['session', 'links', 'setup']) {
    for (const body of [wrong, { login: SECRET, password: SECRET }, { secret: SECRET, password: SECRET }, `{"password": "${SECRET}`]) {
      const answer = await api.as(undefined).request('POST', `/api/v1/${path}`, body, { 'content-type': 'application/json' });
      expect([path, answer.status < 500, answer.text.includes(SECRET)]).toEqual([path, true, false]);
    }
  }
  await browser.request('PUT', '/api/v1/session/password', wrong);
  await browser.get(`/api/v1/session/oidc/callback?code=${SECRET}&state=${SECRET}`);
  await browser.get(`/api/v1/session/oidc/start?return=/${SECRET}`);
  const secrets = [SECRET, json.link.secret as string, browser.csrfToken!, ...browser.cookies.values()];
  await browser.must('DELETE', '/api/v1/session');
  await requestLine((await api.get('/health/live')).headers.get('x-request-id')!);
  const setUp = /#setup=(ttl_\w+)/.exec(server.stdout())![1]!;
  const written = server.stderr() + server.stdout().replaceAll(setUp, '');
  for (const secret of [...secrets, setUp]) expect([secret, written.includes(secret)]).toEqual([secret, false]);
  await eventually(() => expect(collector.spans.length).toBeGreaterThan(0));
  expect(JSON.stringify(collector.spans)).not.toMatch(new RegExp([...secrets, setUp].join('|')));
});

it('never writes what was planted in any part of any request, whoever sends it', async () => {
  const planted = 'planted-4c1d';
  const query = ['code', 'state', 'token', 'password', planted].map((name) => `${name}=${planted}`).join('&');
  const headers = { cookie: `trimtab-session=${planted}; other=${planted}`, 'x-csrf-token': planted, 'x-planted': planted, 'proxy-authorization': `Bearer ${planted}`, referer: `https://${planted}.example`, 'user-agent': planted };
  const body = { password: planted, newPassword: planted, secret: planted, token: planted, code: planted, state: planted, [planted]: planted };
  for (const { method, url } of await routesOf(database)) {
    const address = `${url.replace(/:\w+/g, planted)}?${query}`;
    for (const caller of [api.as(undefined), api.as(planted), api]) {
      // Signing out everywhere, and the like, are not what is tried here.
      if (caller !== api || method === 'GET') await caller.request(method, address, method === 'GET' ? undefined : body, headers);
    }
  }
  await rawRequest(server.url, `GET /${planted} HTTP/1.1\r\n${planted}\r\n\r\n`);
  await api.get(`/%zz${planted}`);
  await requestLine((await api.get('/health/live')).headers.get('x-request-id')!);
  expect(lines().length).toBeGreaterThan(100);
  expect(server.stderr() + server.stdout()).not.toContain(planted);
});

it('tells of a defect in a line as well, before it exits', async () => {
  const { code } = await server.kill('SIGUSR2');
  expect(code).toBe(1);
  expect(lines().at(-1)).toMatchObject({ level: 'fatal', message: 'a defect', err: { type: 'Error', stack: expect.stringContaining('throws-on-signal') } });
});
