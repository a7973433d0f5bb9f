import { ADMINISTRATION, Api } from './support/api';
import { OPENERS, openSocketIo, type Connection } from './support/connections';
import { createTestDatabase, type TestDatabase } from './support/database';
import { eventually } from './support/eventually';
import { pathOf, SCENARIOS, givenWorld } from './support/scenarios';
import { startServer, type TestServer } from './support/server';
import { written } from './support/written';

interface Created {
  readonly id: string;
  readonly secret: string;
}

const TARGET = { service: 'orders', environment: 'production' };

let database: TestDatabase;
let server: TestServer;
let replica: TestServer;
let api: Api;
let keys: Awaited<ReturnType<typeof makeKeys>>;

beforeAll(async () => {
  database = await createTestDatabase();
  // Every route is tried again and again by strangers: how often they may is not what is tested here.
  const overrides = { http: { strangersPerMinute: 1_000_000 } };
  server = await startServer(overrides, database);
  replica = await startServer(overrides, database);
  api = new Api(server.url, server.token);
  await givenWorld(api);
  keys = await makeKeys();
});
afterAll(async () => {
  await server.close();
  await replica.close();
  await database.close();
});

const createKey = async (service: string, environment: string, more: object = {}): Promise<Created> =>
  (await api.must('POST', '/api/v1/client-keys', { name: `${service} in ${environment}`, service, environment, ...more })).json as Created;

async function makeKeys() {
  const token = async (): Promise<Created> => (await api.must('POST', '/api/v1/tokens', { name: 'short-lived', grants: ADMINISTRATION })).json as Created;
  const revoked = { token: await token(), key: await createKey('*', 'base') };
  await api.must('DELETE', `/api/v1/tokens/${revoked.token.id}`);
  await api.must('DELETE', `/api/v1/client-keys/${revoked.key.id}`);
  const expired = { token: await token(), key: await createKey('*', 'base') };
  await database.dataSource.query(`UPDATE credential SET expires_at = now() - interval '1 second' WHERE id = ANY($1)`, [[expired.token.id, expired.key.id]]);
  return {
    revokedToken: revoked.token.secret,
    revokedKey: revoked.key.secret,
    expiredToken: expired.token.secret,
    expiredKey: expired.key.secret,
    everything: (await createKey('*', 'base')).secret,
    right: (await createKey('orders', 'production')).secret,
    foreignService: (await createKey('billing', 'base')).secret,
    included: (await createKey('common', 'base')).secret,
    sibling: (await createKey('orders', 'staging')).secret,
    child: (await createKey('orders', 'production-eu')).secret,
  };
}

const writes = (): Promise<unknown> => written(database.dataSource);

const GUARDED = Object.entries(SCENARIOS).filter(([, { access }]) => access !== 'public');
const request = (name: string, headers: Record<string, string>) => {
  const { query = '', body, headers: own } = SCENARIOS[name]!;
  const sent: unknown = typeof body === 'function' ? (body as () => unknown)() : body;
  return api.as(undefined).request(name.split(' ')[0]!, pathOf(name) + query, sent, { ...own, ...headers });
};

describe.each([
  ['none at all', () => undefined],
  ['an empty one', () => ''],
  ['a scheme without a secret', () => 'Bearer'],
  ['a secret without a scheme', () => server.token],
  ['two secrets', () => `Bearer ${server.token} ${server.token}`],
  ['two credentials in one header', () => `Bearer ${server.token}, Bearer ${server.token}`],
  ['a scheme that is none', () => `Token ${server.token}`],
  ['a secret with a letter more', () => `Bearer ${server.token}A`],
  ['a secret with a letter less', () => `Bearer ${server.token.slice(0, -1)}`],
  ['a secret in another case', () => `Bearer ${server.token.toUpperCase()}`],
  ['a secret under another prefix', () => `Bearer ${server.token.replace('tta_', 'ttk_')}`],
  ['an encoded secret', () => `Bearer ${Buffer.from(server.token).toString('base64')}`],
  ['a very long one', () => `Bearer ${'A'.repeat(8_000)}`],
  ['SQL', () => `Bearer tta_' OR '1'='1`],
  ['a revoked token', () => `Bearer ${keys.revokedToken}`],
  ['an expired token', () => `Bearer ${keys.expiredToken}`],
  ['a revoked client key', () => `Bearer ${keys.revokedKey}`],
  ['an expired client key', () => `Bearer ${keys.expiredKey}`],
])('given %s for a credential', (_name, authorization) => {
  it('every route is closed but the health pages, and nothing is written', async () => {
    const before = await writes();
    const header = authorization();
    const open: string[] = [];
    for (const [name] of GUARDED) {
      const { status, json, text } = await request(name, header === undefined ? {} : { authorization: header });
      if (status !== 401 || json.code !== 'unauthenticated') open.push(`${name}: ${status} ${text}`);
    }
    expect(open).toEqual([]);
    expect(await writes()).toEqual(before);
  });
});

describe('given a good credential in a wrong place', () => {
  it.each<[string, (secret: string) => Record<string, string>]>([
    ['a cookie', (secret) => ({ cookie: `token=${secret}; authorization=Bearer ${secret}; access_token=${secret}` })],
    ['headers of other systems', (secret) => ({ 'x-api-key': secret, 'x-auth-token': secret, 'x-consul-token': secret, 'x-access-token': secret, accesstoken: secret })],
    ['headers of proxies', (secret) => ({ 'proxy-authorization': `Bearer ${secret}`, 'x-forwarded-authorization': `Bearer ${secret}`, 'x-original-authorization': `Bearer ${secret}` })],
    ['headers that claim an identity', (secret) => ({ 'x-forwarded-user': 'admin', 'x-remote-user': 'admin', 'x-forwarded-for': '127.0.0.1', 'x-user': secret })],
  ])('%s opens no route', async (_name, headers) => {
    const open: string[] = [];
    for (const [name] of GUARDED) {
      const { status } = await request(name, headers(server.token));
      if (status !== 401) open.push(`${name}: ${status}`);
    }
    expect(open).toEqual([]);
  });

  it('the query opens no route', async () => {
    const open: string[] = [];
    for (const [name] of GUARDED) {
      const secret = server.token;
      const path = `${pathOf(name)}?token=${secret}&access_token=${secret}&key=${secret}&authorization=Bearer%20${secret}`;
      const { status } = await api.as(undefined).request(name.split(' ')[0]!, path);
      if (status !== 401) open.push(`${name}: ${status}`);
    }
    expect(open).toEqual([]);
  });

  it('a method in a header, or a URL in one, is not believed', async () => {
    const reader = api.as(keys.right);
    const overridden = { 'x-http-method-override': 'GET', 'x-method-override': 'GET', 'x-original-url': '/v1/config/production/orders', 'x-rewrite-url': '/v1/config/production/orders' };
    expect((await reader.post('/api/v1/services', { name: 'smuggled' }, overridden)).json).toMatchObject({ code: 'forbidden' });
    expect((await reader.get('/api/v1/services', overridden)).json).toMatchObject({ code: 'forbidden' });
  });

  it.each([
    ['/v1/config/production/billing/../orders', 200],
    ['/v1/config/production/orders/../billing', 403],
    // The document of a service that it may read; the name is refused.
    ['/v1/config/production/orders/..%2fbilling', 400],
    ['/v1/config/production/orders%2f..%2fbilling', 400],
    ['/v1/config/production/billing?service=orders', 403],
    ['/v1/config/staging/orders?environment=production', 403],
    ['//v1/config/production/billing', 404],
    ['/v1//config/production/billing', 404],
    ['/V1/config/production/orders', 404],
    ['/v1/config/production/orders/', 400],
    ['/v1/config/Production/orders', 400],
    ['/v1/config/production/orders;billing', 400],
    ['/v1/config/production/billing/application', 403],
    ['/v1/config/production/billing#/orders', 403],
  ])('a client key reads by %s only what it is bound to', async (path, status) => {
    const answer = await api.as(keys.right).get(path);
    expect([path, answer.status]).toEqual([path, status]);
  });
});

describe('given a client key, even one for everything', () => {
  it('administers nothing, reads pages about the API, and writes nothing', async () => {
    const before = await writes();
    const wrong: string[] = [];
    for (const [name, { access }] of GUARDED) {
      const { status, json } = await request(name, { authorization: `Bearer ${keys.everything}` });
      if (access !== 'browse' && access !== 'self' ? status !== 403 || json.code !== 'forbidden' : status !== 200) wrong.push(`${name}: ${status}`);
    }
    expect(wrong).toEqual([]);
    expect(await writes()).toEqual(before);
  });
});

const REFUSED: readonly (readonly [string, () => string | undefined, string])[] = [
  ['no key', () => undefined, 'unauthenticated'],
  ['garbage', () => 'garbage', 'unauthenticated'],
  ['a key that was never given out', () => `ttk_${'A'.repeat(43)}`, 'unauthenticated'],
  ['an expired key', () => keys.expiredKey, 'unauthenticated'],
  ['a revoked key', () => keys.revokedKey, 'unauthenticated'],
  ['a key of another service', () => keys.foreignService, 'forbidden'],
  ['a key of a service that is included', () => keys.included, 'forbidden'],
  ['a key of a sibling environment', () => keys.sibling, 'forbidden'],
  ['a key of an environment below', () => keys.child, 'forbidden'],
];

describe('given the data plane', () => {
  it.each(REFUSED)('refuses %s, whether or not the snapshot is at hand', async (_name, key, code) => {
    for (const url of [server.url, replica.url]) {
      for (const path of ['/v1/config/production/orders', '/v1/config/production/orders/application', '/v1/config/production/orders?origin=true', '/v1/config/production/orders?asOf=1']) {
        for (const method of ['GET', 'HEAD']) {
          const answer = await new Api(url, key()).request(method, path);
          expect([path, answer.status]).toEqual([path, code === 'forbidden' ? 403 : 401]);
          if (method === 'GET') expect(answer.json).toMatchObject({ code });
          expect(answer.text).not.toContain('pool');
        }
      }
    }
    expect((await api.as(keys.right).get('/v1/config/production/orders')).status).toBe(200);
  });

  it('does not tell a key that may not read whether there is anything to read', async () => {
    const stranger = api.as(keys.foreignService);
    for (const target of ['production/nothing', 'nowhere/orders', 'production/orders', 'nowhere/nothing']) {
      expect((await stranger.get(`/v1/config/${target}`)).json).toMatchObject({ status: 403, code: 'forbidden' });
    }
  });
});

describe.each(Object.entries(OPENERS))('given %s', (_transport, open) => {
  it.each(REFUSED)('refuses %s', async (_name, key, code) => {
    const connection = await open(server.url, key(), TARGET);
    // A handshake without a key is not of the shape of one.
    expect(await connection.ended).toBe(key() === undefined && open === openSocketIo ? 'malformed_request' : code);
    expect(connection.messages).toEqual([]);
  });

  it('ends every connection of a key that is revoked, at once, on every replica, and no other', async () => {
    const { id, secret } = await createKey('orders', 'production');
    const connect = (key: string): Promise<Connection[]> => Promise.all([server.url, server.url, replica.url, replica.url].map((url) => open(url, key, TARGET)));
    const revoked = await connect(secret);
    const others = await connect(keys.right);
    let over = false;
    void Promise.race(others.map(({ ended }) => ended)).then(() => (over = true));

    const before = Date.now();
    await api.must('DELETE', `/api/v1/client-keys/${id}`);
    expect(await Promise.all(revoked.map(({ ended }) => ended))).toEqual(Array(4).fill('unauthenticated'));
    expect(Date.now() - before).toBeLessThan(900);
    expect(over).toBe(false);
    for (const { messages } of revoked) expect(messages.filter(({ type }) => type === 'closing').every((message) => 'retry' in message && !message.retry)).toBe(true);

    const again = await open(replica.url, secret, TARGET);
    expect(await again.ended).toBe('unauthenticated');
    others.forEach(({ close }) => close());
    await Promise.all(others.map(({ ended }) => ended));
  });

  it('ends every connection of a key when it expires, on every replica', async () => {
    const { secret } = await createKey('orders', 'production', { expiresAt: new Date(Date.now() + 1_500).toISOString() });
    const connections = await Promise.all([server.url, replica.url].map((url) => open(url, secret, TARGET)));
    expect(await Promise.all(connections.map(({ ended }) => ended))).toEqual(['unauthenticated', 'unauthenticated']);
  });
});

describe('given a socket.io connection', () => {
  it('is not let in by a key in its URL or in a header', async () => {
    const { io } = await import('socket.io-client');
    const auth = { protocol: 1, ...TARGET };
    const socket = io(server.url, {
      transports: ['websocket'],
      forceNew: true,
      reconnection: false,
      auth,
      query: { key: keys.right, token: keys.right },
      extraHeaders: { authorization: `Bearer ${keys.right}`, cookie: `key=${keys.right}` },
    });
    const refused = await new Promise<Error & { data?: unknown }>((resolve) => socket.on('connect_error', resolve));
    expect(refused.data).toMatchObject({ code: 'malformed_request', retry: false });
    socket.disconnect();
  });

  it('is seen among the instances while it lasts, and no key is', async () => {
    const { id, secret } = await createKey('orders', 'production');
    const connection = await openSocketIo(server.url, secret, TARGET);
    const shown = await eventually(async () => {
      const { json, text } = await api.must('GET', '/api/v1/instances?service=orders');
      expect(json.items).toHaveLength(1);
      return text;
    });
    expect(shown).not.toContain('ttk_');
    await api.must('DELETE', `/api/v1/client-keys/${id}`);
    await connection.ended;
    await eventually(async () => expect((await api.must('GET', '/api/v1/instances?service=orders')).json.items).toEqual([]));
  });
});
