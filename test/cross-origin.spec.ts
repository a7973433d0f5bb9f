import { Api } from './support/api';
import { rawGet, type RawAnswer } from './support/raw-request';
import { startServer, type TestServer } from './support/server';

const OWN = 'https://console.example.com';

let server: TestServer;
let strict: TestServer;

beforeAll(async () => {
  server = await startServer({ http: { allowedOrigins: [OWN, 'http://localhost:5173'] } });
  strict = await startServer({}, server.database);
});
afterAll(async () => {
  await strict.close();
  await server.close();
});

const spokenOf = ({ headers }: RawAnswer): string[] => [...headers.keys()].filter((name) => name.startsWith('access-control-'));
const ask = (origin: string, path = '/api/v1/services', { url }: TestServer = server): Promise<RawAnswer> =>
  rawGet(url, path, [['origin', origin], ['authorization', `Bearer ${server.token}`]]);
const preflight = (origin: string, path = '/api/v1/services', { url }: TestServer = server): Promise<RawAnswer> =>
  rawGet(url, path, [['origin', origin], ['access-control-request-method', 'POST'], ['access-control-request-headers', 'authorization,content-type']], 'OPTIONS');

describe('given an origin that the operator has named', () => {
  it('lets its pages read answers, errors too, and never with cookies', async () => {
    for (const [path, status] of [['/api/v1/services', 200], ['/api/v1/services/nope', 404]] as const) {
      const answer = await ask(OWN, path);
      expect(answer.status).toBe(status);
      expect(answer.headers.get('access-control-allow-origin')).toBe(OWN);
      expect(answer.headers.get('vary')).toContain('Origin');
      expect(answer.headers.has('access-control-allow-credentials')).toBe(false);
    }
    expect((await ask('http://localhost:5173')).headers.get('access-control-allow-origin')).toBe('http://localhost:5173');
  });

  it('answers a preflight without a credential, the same for every path', async () => {
    const answers = await Promise.all(['/api/v1/services', '/api/v1/services/orders', '/api/v1/nope'].map((path) => preflight(OWN, path)));
    for (const { status, headers, body } of answers) {
      expect([status, body]).toEqual([204, '']);
      expect(headers.get('access-control-allow-origin')).toBe(OWN);
      expect(headers.get('access-control-allow-methods')).toBe('GET, HEAD, POST, PUT, PATCH, DELETE');
      expect(headers.get('access-control-allow-headers')).not.toMatch(/\*|cookie|csrf/i);
      expect(headers.has('access-control-allow-credentials')).toBe(false);
    }
  });

  it('is let to the API only', async () => {
    for (const path of ['/v1/config/base/orders', '/docs', '/metrics', '/health/live', '/openapi.json', '/api/v1', '/API/v1/services', '//api/v1/services']) {
      expect([path, spokenOf(await ask(OWN, path)), spokenOf(await preflight(OWN, path))]).toEqual([path, [], []]);
    }
  });
});

describe('given any other origin', () => {
  it.each([
    'null',
    '*',
    '',
    'https://evil.example',
    'https://console.example.com.evil.example',
    'https://evilconsole.example.com',
    'https://xconsole.example.com',
    'https://console.example.co',
    'https://console.example.comm',
    'https://console.example.com:443',
    'https://console.example.com:8443',
    'http://console.example.com',
    'HTTPS://console.example.com',
    'https://Console.example.com',
    'https://console.example.com/',
    'https://console.example.com.',
    'https://user@console.example.com',
    'https://console.example.com, https://evil.example',
    'https://console.example.com https://evil.example',
    'https://console.example.com\tx',
    'https://console%2eexample.com',
    'http://localhost',
    'http://localhost:51733',
    'http://127.0.0.1:5173',
    'file://',
    '__proto__',
  ])('%j is told nothing, and nothing of it is sent back', async (origin) => {
    for (const answer of [await ask(origin), await preflight(origin)]) {
      expect(spokenOf(answer)).toEqual([]);
      if (origin.length > 1) expect(JSON.stringify([...answer.headers])).not.toContain(origin);
    }
    expect((await preflight(origin)).status).toBe(404);
  });

  it('does not count twice when the header is there twice', async () => {
    const { url } = server;
    for (const [first, second] of [[OWN, 'https://evil.example'], ['https://evil.example', OWN]] as const) {
      expect(spokenOf(await rawGet(url, '/api/v1/services', [['origin', first], ['origin', second]]))).toEqual([]);
    }
  });
});

describe('given no origin that is named', () => {
  it('speaks of none to anybody', async () => {
    for (const origin of [OWN, strict.url, 'null', 'https://evil.example']) {
      expect(spokenOf(await ask(origin, '/api/v1/services', strict))).toEqual([]);
      const refused = await preflight(origin, '/api/v1/services', strict);
      expect([refused.status, spokenOf(refused)]).toEqual([404, []]);
    }
    const { headers } = await new Api(strict.url, server.token).get('/api/v1/services');
    expect(headers.get('vary')).toBeNull();
  });
});
