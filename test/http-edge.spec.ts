import { Agent, request } from 'node:http';
import { connect } from 'node:net';
import { Api, layerPath } from './support/api';
import { startServer, type TestServer } from './support/server';

let server: TestServer;
let api: Api;

beforeAll(async () => {
  server = await startServer();
  api = new Api(server.url, server.token);
  await api.given({}, ['orders']);
});
afterAll(() => server.close());

const JSON_TYPE = { 'content-type': 'application/json' };

/** Sends bytes as they are and reads until the server closes the connection. */
function raw(bytes: string | Buffer): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(new URL(server.url).port), '127.0.0.1', () => socket.write(bytes));
    let answer = '';
    socket.setEncoding('latin1').on('data', (text: string) => (answer += text));
    socket.on('end', () => resolve(answer)).on('error', reject);
  });
}

describe('given a request that fails', () => {
  it.each([
    ['an unknown route', 'GET', '/nope', undefined, {}, 404, 'route_not_found'],
    ['an unknown method', 'PUT', '/api/v1/services', '{}', JSON_TYPE, 404, 'route_not_found'],
    ['a malformed URL', 'GET', '/api/v1/services/%zz', undefined, {}, 400, 'malformed_request'],
    ['a name with an encoded slash', 'GET', '/api/v1/services/a%2Fb', undefined, {}, 400, 'malformed_request'],
    ['a name encoded twice', 'GET', '/api/v1/services/%256Frders', undefined, {}, 400, 'malformed_request'],
    ['a name of two dots', 'GET', '/api/v1/services/%2E%2E%2Fx', undefined, {}, 400, 'malformed_request'],
    ['a name with NUL', 'GET', '/api/v1/services/a%00', undefined, {}, 400, 'malformed_request'],
    ['a name of full-width letters', 'GET', '/api/v1/services/%EF%BC%8F', undefined, {}, 400, 'malformed_request'],
    ['an invalid UTF-8 name', 'GET', '/api/v1/services/%ff', undefined, {}, 400, 'malformed_request'],
    ['a path that is too long', 'GET', `/api/v1/services/${'a'.repeat(2_000)}`, undefined, {}, 400, 'malformed_request'],
    ['truncated JSON', 'POST', '/api/v1/services', '{"name":', JSON_TYPE, 400, 'malformed_request'],
    ['an empty body', 'POST', '/api/v1/services', '', JSON_TYPE, 400, 'malformed_request'],
    ['no body', 'POST', '/api/v1/services', undefined, {}, 400, 'malformed_request'],
    ['a list for a body', 'POST', '/api/v1/services', '[]', JSON_TYPE, 400, 'malformed_request'],
    ['an unknown field', 'POST', '/api/v1/services', '{"name":"a","nope":1}', JSON_TYPE, 400, 'malformed_request'],
    ['__proto__ as a field', 'POST', '/api/v1/services', '{"name":"a","__proto__":{}}', JSON_TYPE, 400, 'malformed_request'],
    ['a wrong type', 'POST', '/api/v1/services', '{"name":{"constructor":1}}', JSON_TYPE, 400, 'malformed_request'],
    ['null where there is no such thing', 'PATCH', '/api/v1/services/orders', '{"description":null}', JSON_TYPE, 400, 'malformed_request'],
    ['a key that is set twice', 'POST', '/api/v1/services', '{"name":"a","name":"b"}', JSON_TYPE, 422, 'duplicate_key'],
    ['deep nesting', 'POST', '/api/v1/services', `${'['.repeat(100_000)}${']'.repeat(100_000)}`, JSON_TYPE, 422, 'document_too_deep'],
    ['invalid UTF-8', 'POST', '/api/v1/services', Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]), JSON_TYPE, 400, 'invalid_utf8'],
    ['another content type', 'POST', '/api/v1/services', 'name: a', { 'content-type': 'application/yaml' }, 415, 'unsupported_media_type'],
    ['a content type that is none', 'POST', '/api/v1/services', 'x', { 'content-type': 'nonsense' }, 415, 'unsupported_media_type'],
    ['a compressed body', 'POST', '/api/v1/services', '{}', { ...JSON_TYPE, 'content-encoding': 'gzip' }, 415, 'unsupported_media_type'],
    ['10 MB', 'POST', '/api/v1/services', 'x'.repeat(10_000_000), JSON_TYPE, 413, 'payload_too_large'],
    ['a parameter that is given twice', 'GET', '/api/v1/services?q=a&q=b', undefined, {}, 400, 'malformed_request'],
    ['an unknown parameter', 'GET', '/api/v1/services?nope=1', undefined, {}, 400, 'malformed_request'],
    ['a cursor that someone made up', 'GET', '/api/v1/services?cursor=x', undefined, {}, 400, 'malformed_request'],
    ['a malformed If-Match', 'PATCH', '/api/v1/services/orders', '{}', { ...JSON_TYPE, 'if-match': 'abc' }, 400, 'malformed_request'],
  ])('answers %s with a problem document', async (_name, method, path, body, headers, status, code) => {
    const answer = await api.request(method, path, body, headers);
    expect(answer.status).toBe(status);
    expect(answer.headers.get('content-type')).toBe('application/problem+json');
    expect(answer.json).toMatchObject({ type: `/docs/errors#${code}`, status, code, requestId: answer.headers.get('x-request-id') });
    expect(answer.json.detail.length).toBeGreaterThan(10);
    expect(answer.text).not.toMatch(/node_modules|\.[jt]s:\d|\\n +at /);
  });

  it('names every fault of a body, each with a pointer', async () => {
    const { json } = await api.post('/api/v1/services', { name: 'A', owner: 5, 'x/y': 1 });
    const pointers = new Set(json.errors.map(({ pointer }: { pointer: string }) => pointer));
    expect(pointers).toEqual(new Set(['/x~1y', '/name', '/owner']));
    expect(json.pointer).toBe('/x~1y');
  });

  it('answers what is no HTTP on the bare socket, and closes it', async () => {
    expect(await raw('HELLO\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 [^]*application\/problem\+json[^]*"code":"malformed_request"/);
    expect(await raw(`GET / HTTP/1.1\r\nhost: x\r\nx: ${'a'.repeat(20_000)}\r\n\r\n`)).toMatch(/^HTTP\/1\.1 400 [^]*headers of the request are too large/);
  });

  it('keeps the connection after a body that was too large', async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const send = (body: string): Promise<{ status: number | undefined; port: number | undefined }> =>
      new Promise((resolve, reject) => {
        const headers = { ...JSON_TYPE, authorization: `Bearer ${server.token}` };
        const sent = request(`${server.url}/api/v1/services`, { method: 'POST', agent, headers }, (response) => {
          const port = response.socket.localPort;
          response.resume().on('end', () => resolve({ status: response.statusCode, port }));
        });
        sent.on('error', reject).end(body);
      });
    const first = await send('x'.repeat(10_000_000));
    const second = await send('{"name":"after-the-flood"}');
    agent.destroy();
    expect([first.status, second.status]).toEqual([413, 201]);
    expect(second.port).toBe(first.port);
  });

  it('takes little from those who still have to say who they are', async () => {
    for (const path of ['session', 'links', 'setup']) {
      const answer = await api.as(undefined).post(`/api/v1/${path}`, { login: 'ada', secret: 'x', password: 'x'.repeat(20_000) });
      expect([path, answer.status, answer.json.code]).toEqual([path, 413, 'payload_too_large']);
    }
  });

  it('does not read the body of a stranger', async () => {
    const answer = await api.as(undefined).request('POST', '/api/v1/services', '{"name":', JSON_TYPE);
    expect(answer.json).toMatchObject({ status: 401, code: 'unauthenticated' });
  });
});

describe('given any request', () => {
  it('answers with the request id it was given, or one of its own', async () => {
    expect((await api.get('/api/v1/services', { 'x-request-id': 'abc.1_2-3' })).headers.get('x-request-id')).toBe('abc.1_2-3');
    expect((await api.get('/api/v1/services', { 'x-request-id': 'a b' })).headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('forbids caches to keep what administers, and browsers to guess types', async () => {
    const { headers } = await api.get('/api/v1/services');
    expect(headers.get('cache-control')).toBe('no-store');
    expect(headers.get('x-content-type-options')).toBe('nosniff');
  });

  it('takes __proto__ and its kind as data where data is expected', async () => {
    const source = '{"__proto__":{"a":1},"constructor":{"prototype":{"b":2}}}';
    await api.must('PUT', `${layerPath('orders@base')}/documents/application`, source, JSON_TYPE);
    expect(JSON.stringify(await api.values('orders@base'))).toBe(`{"application":${source}}`);
    expect(({} as Record<string, unknown>)['a']).toBeUndefined();
  });
});
