import { connect, type Socket } from 'node:net';
import { Api } from './support/api';
import { eventually } from './support/eventually';
import { startServer, type TestServer } from './support/server';

const REQUEST_TIMEOUT_MS = 1_000;

let server: TestServer;
let api: Api;

beforeAll(async () => {
  server = await startServer({ http: { requestTimeoutMs: REQUEST_TIMEOUT_MS } });
  api = new Api(server.url, server.token);
  await api.given({}, ['orders']);
  await api.putYaml('orders@base', 'a: 1\n');
});
afterAll(() => server.close());

interface RawConnection {
  readonly socket: Socket;
  /** All that has come so far. */
  text(): string;
  readonly closed: Promise<void>;
}

function open(bytes: string | Buffer = ''): RawConnection {
  const socket = connect(Number(new URL(server.url).port), '127.0.0.1');
  let text = '';
  socket.setEncoding('latin1').on('data', (part: string) => (text += part));
  socket.on('error', () => undefined);
  const closed = new Promise<void>((resolve) => socket.on('close', () => resolve()));
  if (bytes.length > 0) socket.write(bytes);
  return { socket, text: () => text, closed };
}

const authorized = (): string => `host: x\r\nauthorization: Bearer ${server.token}\r\n`;
const repeat = (text: string, times: number): string => text.repeat(times);

async function expectServed(): Promise<void> {
  expect((await api.get('/v1/config/base/orders')).status).toBe(200);
  expect((await api.get('/api/v1/services')).status).toBe(200);
}

describe('given bytes that are no request', () => {
  it.each<[string, () => string | Buffer]>([
    ['noise', () => Buffer.from(Array.from({ length: 10_000 }, (_, index) => (index * 7_919) % 256))],
    ['TLS', () => Buffer.from('16030100a5010000a1030354', 'hex')],
    ['HTTP/2', () => 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
    ['HTTP of a version there is not', () => 'GET / HTTP/7.3\r\n\r\n'],
    ['a method there is not', () => `EXPLODE /api/v1/services HTTP/1.1\r\n${authorized()}\r\n`],
    ['a header without a name', () => `GET / HTTP/1.1\r\n${authorized()}: x\r\n\r\n`],
    ['a header with a line break in it', () => `GET / HTTP/1.1\r\n${authorized()}x: a\rb\r\n\r\n`],
    ['a header with NUL', () => `GET / HTTP/1.1\r\n${authorized()}x: a\0b\r\n\r\n`],
    ['no host', () => 'GET /api/v1/services HTTP/1.1\r\n\r\n'],
    ['two lengths', () => `POST /api/v1/services HTTP/1.1\r\n${authorized()}content-length: 2\r\ncontent-length: 3\r\n\r\n{}x`],
    ['a length and chunks', () => `POST /api/v1/services HTTP/1.1\r\n${authorized()}content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`],
    ['a negative length', () => `POST /api/v1/services HTTP/1.1\r\n${authorized()}content-length: -1\r\n\r\n`],
    ['a length that is no number', () => `POST /api/v1/services HTTP/1.1\r\n${authorized()}content-length: 0x10\r\n\r\n`],
    ['a chunk of no size', () => `POST /api/v1/services HTTP/1.1\r\n${authorized()}transfer-encoding: chunked\r\n\r\nzz\r\n`],
    ['a header of 100 KB', () => `GET / HTTP/1.1\r\n${authorized()}x: ${repeat('x', 100_000)}\r\n\r\n`],
    ['10,000 headers', () => `GET / HTTP/1.1\r\n${authorized()}${repeat('x: y\r\n', 10_000)}\r\n`],
    ['a URL of 100 KB', () => `GET /${repeat('x', 100_000)} HTTP/1.1\r\n${authorized()}\r\n`],
    ['a tunnel', () => `CONNECT example.com:443 HTTP/1.1\r\nhost: example.com:443\r\n\r\n`],
  ])('%s is refused, the connection closed, and the server goes on', async (_name, bytes) => {
    const { closed, text, socket } = open(bytes());
    await closed.catch(() => undefined);
    expect(text()).not.toMatch(/HTTP\/1\.1 2\d\d|node_modules|\bat [\w.<>]+ \(/);
    if (text() !== '') expect(text()).toMatch(/^HTTP\/1\.1 4\d\d /);
    socket.destroy();
    await expectServed();
  });
});

describe('given a method', () => {
  it.each(['OPTIONS', 'TRACE', 'PURGE', 'PROPFIND', 'SEARCH', 'LINK'])('%s is no route', async (method) => {
    for (const path of ['/', '*', '/api/v1/services', '/v1/config/base/orders', '/health/live']) {
      const { closed, text } = open(`${method} ${path} HTTP/1.1\r\n${authorized()}connection: close\r\n\r\n`);
      await closed;
      expect([path, text().slice(0, 12)]).toEqual([path, expect.stringMatching(/^HTTP\/1\.1 4(00|01|04|05)$/)]);
      // Nothing of the request is sent back.
      expect(text()).not.toContain('tta_');
      expect(text().toLowerCase()).not.toContain('access-control-allow');
    }
  });

  it('GET with a body is answered as without one', async () => {
    const body = repeat('x', 100_000);
    const { closed, text } = open(`GET /api/v1/services HTTP/1.1\r\n${authorized()}connection: close\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
    await closed;
    expect(text()).toMatch(/^HTTP\/1\.1 (200|400) /);
    await expectServed();
  });

  it('HEAD of the data plane says what GET would, in its head', async () => {
    const get = await api.get('/v1/config/base/orders');
    const head = await api.request('HEAD', '/v1/config/base/orders');
    for (const name of ['etag', 'content-type', 'trimtab-revision', 'content-length']) expect([name, head.headers.get(name)]).toEqual([name, get.headers.get(name)]);
    expect(head.text).toBe('');
  });
});

describe('given a target in another form', () => {
  it.each([
    ['absolute', 'http://elsewhere.example/v1/config/base/orders'],
    ['absolute, with the name of another', 'http://x@elsewhere.example:99999/api/v1/services'],
    ['of a file', 'file:///etc/passwd'],
    ['without a slash', 'v1/config/base/orders'],
    ['with a fragment', '/v1/config/base/orders#x'],
    ['with bytes that are not ASCII', '/v1/config/base/\u00ff'],
    ['with a broken escape', '/v1/config/base/%'],
    ['with many slashes', repeat('/', 2_000)],
    ['with many question marks', `/v1/config/base/orders${repeat('?', 2_000)}`],
    ['with 2,000 parameters', `/v1/config/base/orders?${repeat('a&', 2_000)}`],
  ])('%s is answered without a defect', async (_name, target) => {
    const { closed, text } = open(Buffer.from(`GET ${target} HTTP/1.1\r\n${authorized()}connection: close\r\n\r\n`, 'latin1'));
    await closed;
    expect(text()).toMatch(/^HTTP\/1\.1 (200|400|404) /);
    expect(text()).not.toContain('root:');
    await expectServed();
  });
});

describe('given a slow client', () => {
  it('that sends its headers letter by letter is cut off in time, and 200 of them hold nobody up', async () => {
    const began = Date.now();
    const slow = Array.from({ length: 200 }, () => open('GET /api/v1/services HTTP/1.1\r\nhost: x\r\nx: '));
    const drip = setInterval(() => slow.forEach(({ socket }) => socket.writable && socket.write('x')), 100);
    try {
      await expectServed();
      await Promise.all(slow.map(({ closed }) => closed));
      expect(Date.now() - began).toBeLessThan(4 * REQUEST_TIMEOUT_MS);
      for (const { text } of slow) if (text() !== '') expect(text()).toMatch(/^HTTP\/1\.1 4(00|08) /);
    } finally {
      clearInterval(drip);
    }
  });

  it('that sends its body letter by letter is cut off in time', async () => {
    const { socket, closed, text } = open(`POST /api/v1/services HTTP/1.1\r\n${authorized()}content-type: application/json\r\ncontent-length: 100000\r\n\r\n{`);
    const drip = setInterval(() => socket.writable && socket.write(' '), 100);
    try {
      await closed;
      if (text() !== '') expect(text()).toMatch(/^HTTP\/1\.1 4(00|08) /);
      await expectServed();
    } finally {
      clearInterval(drip);
    }
  });

  it('that hangs up in the middle of its body writes nothing', async () => {
    const { socket, closed } = open(`POST /api/v1/services HTTP/1.1\r\n${authorized()}content-type: application/json\r\ncontent-length: 100\r\n\r\n{"name":"half"}`);
    await eventually(() => expect(socket.bytesWritten).toBeGreaterThan(0));
    socket.destroy();
    await closed;
    await expectServed();
    expect((await api.get('/api/v1/services/half')).status).toBe(404);
  });

  it('that reads nothing of what it asks for does not fill the memory', async () => {
    await api.must('PUT', '/api/v1/services/orders/environments/base/documents/large', `"${repeat('x', 900_000)}"`, { 'content-type': 'application/json' });
    const request = `GET /v1/config/base/orders HTTP/1.1\r\n${authorized()}\r\n`;
    const before = process.memoryUsage().rss;
    const { socket, closed } = open();
    socket.pause();
    socket.write(repeat(request, 500));
    for (let count = 0; count < 20; count += 1) await expectServed();
    // 500 answers of 900 KB would be 450 MB; Node stops reading requests while answers wait to be written.
    expect(process.memoryUsage().rss - before).toBeLessThan(300 * 1024 * 1024);
    socket.destroy();
    await closed;
    await api.must('DELETE', '/api/v1/services/orders/environments/base/documents/large');
  });
});

describe('given requests in a row', () => {
  it('are answered in their order, the bad ones too', async () => {
    const paths = ['/health/live', '/v1/config/base/orders', '/nope', '/v1/config/base/UPPER', '/api/v1/services/orders', '/v1/config/base/orders'];
    const requests = paths.map((path, index) => `GET ${path} HTTP/1.1\r\n${authorized()}x-request-id: row-${index}\r\n${index === paths.length - 1 ? 'connection: close\r\n' : ''}\r\n`);
    const { closed, text } = open(requests.join(''));
    await closed;
    expect([...text().matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status)).toEqual(['200', '200', '404', '400', '200', '200']);
    expect([...text().matchAll(/^x-request-id: (row-\d)/gim)].map(([, id]) => id)).toEqual(paths.map((_, index) => `row-${index}`));
  });

  it('a second one is not smuggled in the body of the first', async () => {
    const smuggled = `DELETE /api/v1/services/orders HTTP/1.1\r\n${authorized()}\r\n`;
    const { closed, text } = open(
      `POST /api/v1/services HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: ${smuggled.length}\r\n\r\n${smuggled}`,
    );
    await closed;
    expect(text().match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 401']);
    expect((await api.get('/api/v1/services/orders')).json.archivedAt).toBeNull();
  });
});
