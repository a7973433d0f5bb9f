import { setTimeout as sleep } from 'node:timers/promises';
import { ensureAdministratorToken } from '../src/access/first-token';
import { ADMINISTRATION, Api } from './support/api';
import { createTestDatabase } from './support/database';
import { eventually } from './support/eventually';
import { startServer, type TestServer } from './support/server';

let server: TestServer;
let api: Api;

beforeAll(async () => {
  server = await startServer();
  api = new Api(server.url, server.token);
  await api.given({ production: 'base', 'production-eu': 'production', staging: 'base' }, ['orders', 'billing']);
  for (const service of ['orders', 'billing']) await api.must('PUT', `/api/v1/services/${service}/environments/base/documents/application`, '{"a":1}', { 'content-type': 'application/json' });
});
afterAll(() => server.close());

interface Created {
  readonly id: string;
  readonly secret: string;
}
const createToken = async (body: object = { name: 'someone' }): Promise<Created> => (await api.must('POST', '/api/v1/tokens', { grants: ADMINISTRATION, ...body })).json;
const createKey = async (service: string, environment: string, more: object = {}): Promise<Created> =>
  (await api.must('POST', '/api/v1/client-keys', { name: 'a key', service, environment, ...more })).json;

const CONFIG = '/v1/config/production-eu/orders';

describe('given no credential, or one that is none', () => {
  let routes: [string, string][] = [];

  beforeAll(async () => {
    const document = (await api.must('GET', '/openapi.json')).json as { paths: Record<string, Record<string, { security?: object[] }>> };
    routes = Object.entries(document.paths).flatMap(([path, item]) =>
      Object.keys(item).filter((method) => path.startsWith('/health/') || item[method]?.security?.some((scheme) => Object.keys(scheme).length === 0) !== true).map((method): [string, string] => [method.toUpperCase(), path.replace('{environment}', 'base').replace(/\{(?:id|n|version|revision)\}/, '1').replaceAll(/\{\w+\}/g, 'orders')]),
    );
    routes.push(['GET', '/openapi.json'], ['GET', '/docs'], ['GET', '/docs/start.js'], ['GET', '/docs/swagger-ui.css'], ['HEAD', CONFIG]);
    expect(routes.length).toBeGreaterThan(25);
  });

  it.each([
    ['nothing', undefined],
    ['a token that was never given out', `Bearer tta_${'A'.repeat(43)}`],
    ['half a token', 'Bearer tta_abc'],
    ['another scheme', 'Digest abc'],
    ['garbage', '\u00ff\u00fe'],
  ])('every route but the health pages answers %s with 401', async (_name, authorization) => {
    const wrong: string[] = [];
    for (const [method, path] of routes) {
      const answer = await api.as(undefined).request(method, path, undefined, authorization === undefined ? {} : { authorization });
      const expected = path.startsWith('/health/') ? 200 : 401;
      if (answer.status !== expected) wrong.push(`${method} ${path}: ${answer.status}`);
      if (answer.status === 401 && answer.headers.get('www-authenticate') === null) wrong.push(`${method} ${path}: no challenge`);
    }
    expect(wrong).toEqual([]);
  });

  it('a token in the URL, in a cookie or in another header is not looked at', async () => {
    const stranger = api.as(undefined);
    expect((await stranger.get(`/api/v1/services?token=${server.token}&access_token=${server.token}`)).status).toBe(401);
    expect((await stranger.get('/api/v1/services', { cookie: `token=${server.token}`, 'x-api-key': server.token, 'x-forwarded-user': 'admin' })).status).toBe(401);
  });

  it('an administrator token in HTTP Basic opens the pages for browsers, and nothing else', async () => {
    const authorization = `Basic ${Buffer.from(`anyone:${server.token}`).toString('base64')}`;
    const stranger = api.as(undefined);
    for (const path of ['/docs', '/docs/swagger-ui-bundle.js', '/openapi.json', '/metrics']) expect((await stranger.get(path, { authorization })).status).toBe(200);
    for (const path of ['/api/v1/services', CONFIG]) expect((await stranger.get(path, { authorization })).status).toBe(401);
  });
});

describe('given a client key', () => {
  it('reads its service in its environment and below, and nothing else', async () => {
    const reader = api.as((await createKey('orders', 'production')).secret);
    expect((await reader.get('/v1/config/production/orders')).status).toBe(200);
    expect((await reader.get(CONFIG)).status).toBe(200);
    for (const path of ['/v1/config/production/billing', '/v1/config/staging/orders', '/v1/config/base/orders']) {
      expect((await reader.get(path)).json).toMatchObject({ status: 403, code: 'forbidden' });
    }
  });

  it('reads every service when it is bound to *', async () => {
    const reader = api.as((await createKey('*', 'base')).secret);
    for (const path of ['/v1/config/production/billing', '/v1/config/staging/orders']) expect((await reader.get(path)).status).toBe(200);
  });

  it('administers nothing', async () => {
    const reader = api.as((await createKey('*', 'base')).secret);
    expect((await reader.get('/api/v1/services')).json).toMatchObject({ code: 'forbidden' });
    expect((await reader.post('/api/v1/tokens', { name: 'mine', grants: ADMINISTRATION })).json).toMatchObject({ code: 'forbidden' });
  });

  it('is made for a service and an environment that exist', async () => {
    const make = (service: string, environment: string) => api.post('/api/v1/client-keys', { name: 'k', service, environment });
    expect((await make('nope', 'base')).json).toMatchObject({ code: 'service_not_found', pointer: '/service' });
    expect((await make('orders', 'nope')).json).toMatchObject({ code: 'environment_not_found', pointer: '/environment' });
    expect((await make('or*', 'base')).json).toMatchObject({ code: 'malformed_request', pointer: '/service' });
  });
});

describe('given credentials', () => {
  it('their secret is shown once, and nowhere stored', async () => {
    const { id, secret } = await createToken({ name: 'shown once' });
    const listed = await api.get('/api/v1/tokens');
    expect(listed.json.items).toContainEqual(expect.objectContaining({ id, name: 'shown once', prefix: secret.slice(0, 8) }));
    expect(listed.text).not.toContain(secret.slice(0, 12));
    const stored = await server.database.dataSource.query<unknown[]>(`SELECT c::text, a::text FROM credential c, (SELECT string_agg(r::text, '') AS a FROM audit_record r) a`);
    expect(JSON.stringify(stored)).not.toContain(secret.slice(8));
  });

  it('work until they are revoked, and not a request longer, on every server', async () => {
    const other = await startServer({}, server.database);
    try {
      const { id, secret } = await createToken();
      const here = api.as(secret);
      const there = new Api(other.url, secret);
      expect([(await here.get('/api/v1/services')).status, (await there.get('/api/v1/services')).status]).toEqual([200, 200]);
      expect((await api.request('DELETE', `/api/v1/tokens/${id}`)).status).toBe(204);
      expect((await here.get('/api/v1/services')).status).toBe(401);
      await eventually(async () => expect((await there.get('/api/v1/services')).status).toBe(401), { timeoutMs: 900 });
    } finally {
      await other.close();
    }
  });

  it('end open connections when they are revoked', async () => {
    const { id, secret } = await createKey('orders', 'production');
    const stream = await fetch(server.url + CONFIG, { headers: { authorization: `Bearer ${secret}`, accept: 'text/event-stream' } });
    const ended = stream.text();
    await api.must('DELETE', `/api/v1/client-keys/${id}`);
    expect(await ended).toContain('"retry":false');
  });

  it('stop working when they expire, also when they are known already', async () => {
    const expiresAt = new Date(Date.now() + 1_500).toISOString();
    const { secret } = await createToken({ name: 'short-lived', expiresAt });
    expect((await api.as(secret).get('/api/v1/services')).status).toBe(200);
    await sleep(Date.parse(expiresAt) - Date.now() + 1);
    expect((await api.as(secret).get('/api/v1/services')).json).toMatchObject({ code: 'unauthenticated' });
  });

  it.each(['2020-01-01T00:00:00Z', 'tomorrow', '2027-13-01', '2027-W05', 7, null])('are not made to expire at %j', async (expiresAt) => {
    expect((await api.post('/api/v1/tokens', { name: 'x', expiresAt, grants: ADMINISTRATION })).json).toMatchObject({ code: 'malformed_request', pointer: '/expiresAt' });
  });

  it('are revoked by their own kind of route only, and twice without harm', async () => {
    const { id } = await createKey('orders', 'base');
    expect((await api.request('DELETE', `/api/v1/tokens/${id}`)).json).toMatchObject({ code: 'credential_not_found' });
    expect((await api.request('DELETE', `/api/v1/client-keys/${id}`)).status).toBe(204);
    expect((await api.request('DELETE', `/api/v1/client-keys/${id}`)).status).toBe(204);
    const listed = await api.get('/api/v1/client-keys?revoked=true&limit=200');
    expect(listed.json.items).toContainEqual(expect.objectContaining({ id, revokedAt: expect.any(String), service: 'orders', environment: 'base' }));
    expect((await api.get('/api/v1/client-keys?limit=200')).text).not.toContain(id);
  });
});

describe('given a database where nobody has a token', () => {
  it('makes one, however many processes start at once, and never another', async () => {
    const database = await createTestDatabase();
    try {
      const made = await Promise.all(Array.from({ length: 6 }, () => ensureAdministratorToken(database.dataSource)));
      expect(made.filter((token) => token !== undefined)).toEqual([expect.stringMatching(/^tta_/)]);
      await database.dataSource.query('UPDATE credential SET revoked_at = now()');
      expect(await ensureAdministratorToken(database.dataSource)).toBeUndefined();
    } finally {
      await database.close();
    }
  });

  it('keeps the last administrator token, also when two are revoked at the same moment', async () => {
    const alone = await startServer();
    try {
      const admin = new Api(alone.url, alone.token);
      const [first] = (await admin.must('GET', '/api/v1/tokens')).json.items as { id: string }[];
      expect((await admin.request('DELETE', `/api/v1/tokens/${first?.id}`)).json).toMatchObject({ status: 409, code: 'last_administrator' });
      const second = (await admin.must('POST', '/api/v1/tokens', { name: 'second', grants: ADMINISTRATION })).json as Created;
      const answers = await Promise.all([admin.request('DELETE', `/api/v1/tokens/${first?.id}`), admin.as(second.secret).request('DELETE', `/api/v1/tokens/${second.id}`)]);
      expect(answers.map(({ status }) => status).sort()).toEqual([204, 409]);
    } finally {
      await alone.close();
    }
  });
});
