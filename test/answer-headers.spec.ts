import { Api, layerPath } from './support/api';
import { rawRequest } from './support/raw-request';
import { routesOf } from './support/routes';
import { startServer, type TestServer } from './support/server';

const NOTHING = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
/** Also on answers that are never a page, where each header counts in what they cost. */
const ON_DATA = {
  'x-content-type-options': 'nosniff',
  'content-security-policy': NOTHING,
  'cross-origin-resource-policy': 'same-origin',
  'strict-transport-security': 'max-age=31536000',
};
const EVERYWHERE = {
  ...ON_DATA,
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'permissions-policy': 'camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-embedder-policy': 'require-corp',
};

let server: TestServer;
let api: Api;

beforeAll(async () => {
  server = await startServer({ publicUrl: 'https://trimtab.example.com' });
  api = new Api(server.url, server.token);
  await api.given({}, ['orders']);
  await api.putYaml('orders@base', 'a: 1\n');
});
afterAll(() => server.close());

/** Each exactly once, as it is meant. */
function expectHeaders({ headers }: { readonly headers: Headers }, policy = NOTHING, all: object = EVERYWHERE): void {
  const expected = { ...all, 'content-security-policy': policy };
  expect(Object.fromEntries(Object.keys(expected).map((name) => [name, headers.get(name)]))).toEqual(expected);
  expect(headers.get('x-request-id')).toMatch(/^[A-Za-z0-9._-]{1,64}$/);
  expect(headers.has('server') || headers.has('x-powered-by') || headers.has('access-control-allow-origin')).toBe(false);
}

describe('given any answer', () => {
  it('has the headers that protect browsers, of every route, with a credential and without', async () => {
    const routes = await routesOf(server.database);
    expect(routes.length).toBeGreaterThan(50);
    for (const { method, url } of routes) {
      const path = url.replace(/:(\w+)/g, (_all, name: string) => ({ service: 'orders', environment: 'base', asset: 'swagger-ui.css' })[name] ?? '1');
      for (const caller of [api.as(undefined), ...(method === 'GET' ? [api] : [])]) {
        const answer = await caller.request(method, path);
        expectHeaders(answer, url === '/docs' && answer.status === 200 ? (answer.headers.get('content-security-policy') as string) : NOTHING);
        expect([url, answer.headers.get('cache-control')]).toEqual([url, expect.stringMatching(/no-store|no-cache|private/)]);
      }
    }
  });

  it.each<[string, number, string, Record<string, string>]>([
    ['that there is no route', 404, '/nope', {}],
    ['that a URL is malformed', 400, '/api/v1/services/%zz', {}],
    ['that a part of the path is too long', 400, `/api/v1/services/${'a'.repeat(2_000)}`, {}],
    ['that a credential is unknown', 401, '/api/v1/services', { authorization: 'Bearer nonsense' }],
    ['that a name is none', 400, '/v1/config/base/..%2f', {}],
    ['that nothing is allowed', 401, '/v1/config/base/orders', { authorization: 'Bearer nonsense' }],
    ['of a socket by polling', 404, '/socket.io/?EIO=4&transport=polling', {}],
  ])('has them when it says %s', async (_name, status, path, headers) => {
    const answer = await api.get(path, headers);
    expect(answer.status).toBe(status);
    expectHeaders(answer);
  });

  it.each<[string, number, string]>([
    ['what is no HTTP', 400, 'HELLO\r\n\r\n'],
    ['headers that are too large', 400, `GET / HTTP/1.1\r\nhost: x\r\nx: ${'a'.repeat(20_000)}\r\n\r\n`],
    ['an upgrade to elsewhere', 404, 'GET /elsewhere HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n'],
    ['a page that opens a socket', 403, 'GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nhost: x\r\norigin: https://evil.example\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n'],
    ['an upgrade to something else', 400, 'GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n'],
  ])('has them on the bare socket, for %s', async (_name, status, bytes) => {
    const answer = await rawRequest(server.url, bytes);
    expect([answer.status, answer.headers.get('content-type')]).toEqual([status, 'application/problem+json']);
    expectHeaders(answer);
  });

  it('has them on the data plane, however it is read', async () => {
    expectHeaders(await api.get('/v1/config/base/orders'), NOTHING, ON_DATA);
    const warm = await api.get('/v1/config/base/orders');
    expectHeaders(warm, NOTHING, ON_DATA);
    expectHeaders(await api.get('/v1/config/base/orders', { 'if-none-match': warm.headers.get('etag') as string }), NOTHING, ON_DATA);
    expectHeaders(await api.get('/v1/config/base/orders', { 'accept-encoding': 'gzip' }), NOTHING, ON_DATA);
    for (const answer of [
      await api.request('HEAD', '/v1/config/base/orders'),
      await api.get('/v1/config/base/orders/application'),
      await api.get('/v1/config/base/orders?origin=true'),
      await api.get('/v1/config/base/orders?wait=1ms'),
      await api.get('/v1/config/base/orders?wait=nonsense'),
    ]) expectHeaders(answer);
    const abort = new AbortController();
    const stream = await fetch(`${server.url}/v1/config/base/orders`, { headers: { authorization: `Bearer ${server.token}`, accept: 'text/event-stream' }, signal: abort.signal });
    expect(stream.headers.get('content-type')).toContain('text/event-stream');
    expectHeaders(stream);
    abort.abort();
  });
});

describe('given a page', () => {
  it('lets it load what the server itself sends, and only there', async () => {
    const page = await api.get('/docs');
    const policy = page.headers.get('content-security-policy') as string;
    expect(policy).toMatch(/^default-src 'none'; script-src 'self'; /);
    expect(/script-src ([^;]*)/.exec(policy)?.[1]).not.toContain('unsafe');
    expect(policy).toContain("frame-ancestors 'none'");
    expectHeaders(page, policy);
    expectHeaders(await api.as(undefined).get('/docs'));
  });
});

describe('given what somebody wrote into a document', () => {
  it('is never sent as something that a browser would run', async () => {
    const html = '<script>alert(1)</script>';
    await api.must('PUT', `${layerPath('orders@base')}/documents/page`, html, { 'content-type': 'text/plain' });
    await api.request('PUT', `${layerPath('orders@base')}/documents/page`, html, { 'content-type': 'text/html' });
    for (const path of ['/v1/config/base/orders/page', `${layerPath('orders@base')}/documents/page`]) {
      const answer = await api.get(path, { accept: 'text/html' });
      expect([answer.text, answer.headers.get('content-type')]).toEqual([html, 'text/plain; charset=utf-8']);
      expectHeaders(answer);
    }
  });
});
