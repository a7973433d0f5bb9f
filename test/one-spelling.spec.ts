import { once } from 'node:events';
import { connect } from 'node:net';
import { Api } from './support/api';
import { eventually } from './support/eventually';
import { rawGet, rawRequest } from './support/raw-request';
import { startServer, type TestServer } from './support/server';

/** A silent connection is given up after this. */
const REQUEST_TIMEOUT_MS = 1_000;

let server: TestServer;
let key: string;

beforeAll(async () => {
  server = await startServer({ http: { requestTimeoutMs: REQUEST_TIMEOUT_MS } });
  const api = new Api(server.url, server.token);
  await api.given({ production: 'base', staging: 'base' }, ['orders', 'billing']);
  for (const layer of ['billing@base', 'billing@production', 'orders@staging']) await api.putYaml(layer, 'whose: theirs\n');
  await api.putYaml('orders@production', 'whose: mine\n');
  key = (await api.must('POST', '/api/v1/client-keys', { name: 'orders', service: 'orders', environment: 'production' })).json.secret as string;
  // Ready for whoever may see it, so that nothing but the decision stands between.
  for (const path of ['production/billing', 'staging/orders', 'production/orders']) await api.must('GET', `/v1/config/${path}`);
});
afterAll(() => server.close());

const bearer = (secret: string): readonly [string, string] => ['authorization', `Bearer ${secret}`];

describe('given a key for one service in one environment', () => {
  it('reads that', async () => {
    const { status, body } = await rawGet(server.url, '/v1/config/production/orders', [bearer(key)]);
    expect([status, body]).toEqual([200, expect.stringContaining('mine')]);
  });

  const SPELLINGS = ['billing', 'Billing', 'BILLING', '%62illing', '%2562illing', 'billing%00', 'billing%20', 'billing.', 'billing;x', 'billing%3bx', 'billing?x', 'billing%3f', 'billing%23', '%2fbilling', 'orders%2f..%2fbilling', 'orders/../billing', '../production/billing', '..%2fproduction%2fbilling', '%2e%2e/production/billing', 'billing/', 'billing//', '/billing', 'billing%2f', 'billing%5c', 'bıllıng', '%EF%BD%82illing', 'billing%E2%80%8B', 'billing%0d%0a', 'orders,billing', 'orders%2cbilling', '*', '%2a', 'orders%00billing', '.%2fbilling', 'billing/application', 'billing%2fapplication', 'billing/application/', '__proto__', 'constructor'];

  it.each(SPELLINGS)('reads nothing of another service, spelt %s', async (spelling) => {
    for (const prefix of ['/v1/config/production/', '/v1//config/production/', '//v1/config/production/', '/V1/config/production/', '/v1/./config/production/', '/x/../v1/config/production/', 'http://x/v1/config/production/', '/v1/config/production%2f', '/%76%31/config/production/']) {
      const { status, body } = await rawGet(server.url, Buffer.from(prefix + spelling).toString('latin1'), [bearer(key)]);
      expect([prefix, body.includes('theirs'), [400, 403, 404].includes(status)]).toEqual([prefix, false, true]);
    }
  });

  it.each(['staging', 'base', 'Production', 'PRODUCTION', 'production%00', 'production/../staging', 'production%2f..%2fstaging', '%73taging', 'staging%20', 'production;staging', 'production%2cstaging', '.', '%2e', '..', '*'])('reads nothing of another environment, spelt %s', async (spelling) => {
    for (const path of [`/v1/config/${spelling}/orders`, `/v1/config/${spelling}/orders/application`, `/v1/config//${spelling}/orders`, `/v1/config/production/../${spelling}/orders`]) {
      const { status, body } = await rawGet(server.url, path, [bearer(key)]);
      expect([path, body.includes('theirs'), [400, 403, 404].includes(status)]).toEqual([path, false, true]);
    }
  });

  it('decides by the path, whatever a header or a parameter says', async () => {
    const headers = ['x-original-url', 'x-rewrite-url', 'x-forwarded-uri', 'x-forwarded-path', 'x-http-method-override', 'x-user', 'x-forwarded-user', 'remote-user', 'x-real-ip', 'user-agent', 'serveridentity', 'nacos-server', 'host', 'trimtab-actor'];
    for (const name of headers) {
      const value = name === 'user-agent' ? 'Nacos-Server' : '/v1/config/production/billing';
      const answers = await Promise.all([
        rawGet(server.url, '/v1/config/production/billing', [bearer(key), [name, value]]),
        rawGet(server.url, '/v1/config/production/billing', [[name, value]]),
        rawGet(server.url, '/api/v1/services', [[name, 'admin']]),
        rawGet(server.url, `/v1/config/production/orders?service=billing&environment=staging`, [bearer(key), [name, value]]),
      ]);
      expect([name, ...answers.map(({ status }) => status)]).toEqual([name, 403, 401, 401, 400]);
      for (const { body } of answers) expect(body).not.toContain('theirs');
    }
  });
});

describe('given an Authorization header', () => {
  const ask = async (...headers: (readonly [string, string])[]): Promise<number> => (await rawGet(server.url, '/api/v1/services', headers)).status;

  it('takes its scheme in any case, as HTTP has it, and its secret in one only', async () => {
    const { token } = server;
    expect(await ask(['authorization', `bearer ${token}`])).toBe(200);
    expect(await ask(['AUTHORIZATION', `BEARER  ${token}  `])).toBe(200);
    for (const value of [`Bearer ${token.toUpperCase()}`, `Bearer ${token.toLowerCase()}`, `Bearer ${token}x`, `Bearer ${token.slice(0, -1)}`, `Bearer "${token}"`, `Bearer ${token},`, `Bearer ${token} ${token}`, token, `Token ${token}`, `Bearer\t${token}`, `Bearer${token}`, 'Bearer', '', `Bearer ${encodeURIComponent(token)}%00`]) {
      expect([value.replace(token, '…'), await ask(['authorization', value])]).toEqual([value.replace(token, '…'), 401]);
    }
  });

  it('counts once: the first, and no other', async () => {
    expect(await ask(bearer('nonsense'), bearer(server.token))).toBe(401);
    expect((await rawGet(server.url, '/v1/config/production/billing', [bearer(key), bearer(server.token)])).body).not.toContain('theirs');
  });

  it('is the only place: nothing in an address, a cookie or a body lets anybody in', async () => {
    for (const [path, ...headers] of [
      [`/api/v1/services?token=${server.token}`],
      [`/api/v1/services?access_token=${server.token}&accessToken=${server.token}`],
      ['/api/v1/services', ['cookie', `token=${server.token}; trimtab-session=${server.token}; __Host-trimtab-session=${server.token}`]],
      ['/api/v1/services', ['x-api-key', server.token]],
      ['/api/v1/services', ['proxy-authorization', `Bearer ${server.token}`]],
      ['/api/v1/services', ['authorization', `Basic ${Buffer.from(`x:${server.token}`).toString('base64')}`]],
    ] as [string, ...[string, string][]][]) {
      expect([path, headers[0]?.[0], (await rawGet(server.url, path, headers)).status]).toEqual([path, headers[0]?.[0], 401]);
    }
  });
});

describe('given HTTP as few speak it', () => {
  it('answers a request of HTTP/1.0 with what it would be answered otherwise, and closes', async () => {
    const { status } = await rawRequest(server.url, `GET /api/v1/services HTTP/1.0\r\nauthorization: Bearer ${server.token}\r\n\r\n`);
    expect(status).toBe(200);
    expect((await rawRequest(server.url, 'GET /api/v1/services HTTP/1.0\r\n\r\n')).status).toBe(401);
  });

  it.each<[string, string]>([
    ['a length and chunks, the length first', 'content-length: 4\r\ntransfer-encoding: chunked'],
    ['a length and chunks, the chunks first', 'transfer-encoding: chunked\r\ncontent-length: 4'],
    ['chunks in another spelling', 'transfer-encoding: xchunked'],
    ['chunks twice', 'transfer-encoding: chunked\r\ntransfer-encoding: identity'],
    ['chunks that are not last', 'transfer-encoding: chunked, identity'],
    ['a space before the colon', 'transfer-encoding : chunked'],
    ['a folded header', 'transfer-encoding:\r\n chunked'],
    ['a bare line feed', 'content-length: 4\nx: y'],
    ['a length with a sign', 'content-length: +4'],
    ['a length twice', 'content-length: 4\r\ncontent-length: 5'],
    ['a length as a list', 'content-length: 4, 4'],
  ])('takes no second request out of a first with %s', async (_name, headers) => {
    const smuggled = `GET /smuggled HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${server.token}\r\n\r\n`;
    const { status, body } = await rawRequest(server.url, `POST /api/v1/services HTTP/1.1\r\nhost: x\r\nconnection: close\r\n${headers}\r\n\r\n0\r\n\r\n${smuggled}`);
    expect(status).toBeGreaterThanOrEqual(400);
    expect(body).not.toMatch(/HTTP\/1\.1 \d/);
  });

  it('bears very many cookies, and closes what sends more than its headers may hold', async () => {
    const cookies = (count: number): [string, string] => ['cookie', Array.from({ length: count }, (_, index) => `c${index}=1`).join('; ')];
    expect((await rawGet(server.url, '/api/v1/services', [cookies(1_000), bearer(server.token)])).status).toBe(200);
    expect((await rawGet(server.url, '/api/v1/services', [cookies(10_000), bearer(server.token)])).status).toBe(400);
  });

  it('gives up a connection that says nothing', async () => {
    const began = performance.now();
    const { body } = await rawRequest(server.url, '');
    expect(performance.now() - began).toBeLessThan(5 * REQUEST_TIMEOUT_MS);
    expect(body).not.toContain('theirs');
  });
});

describe('given more connections than the server takes', () => {
  it('closes what comes beyond, serves those that are there, and others when they are gone', async () => {
    const narrow = await startServer({ http: { maxConnections: 2 } }, server.database);
    try {
      const held = Array.from({ length: 2 }, () => connect(Number(new URL(narrow.url).port), '127.0.0.1'));
      await Promise.all(held.map((socket) => once(socket, 'connect')));
      const ask = 'GET /health/live HTTP/1.1\r\nhost: x\r\n\r\n';
      // One that is there already is answered; by then the other has been taken as well.
      held[0]!.write(ask);
      await once(held[0]!, 'data');
      const statuses = await Promise.all(Array.from({ length: 20 }, () => rawRequest(narrow.url, ask).then(({ status }) => status, () => NaN)));
      expect(statuses).toEqual(Array<number>(20).fill(NaN));
      held.forEach((socket) => socket.destroy());
      await eventually(async () => expect((await new Api(narrow.url, server.token).get('/health/live')).status).toBe(200));
    } finally {
      await narrow.close();
    }
  });
});
