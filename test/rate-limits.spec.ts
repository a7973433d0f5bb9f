import { Api, type Answer } from './support/api';
import { openSocketIo } from './support/connections';
import { eventually } from './support/eventually';
import { startServer, type TestServer } from './support/server';

const STRANGERS = 60;
const LIMITS = { strangersPerMinute: STRANGERS, requestsPerSecond: 5, readsPerSecond: 5 };
const BURST = 10;

/** Behind a proxy that is believed, so that every test has an address of its own. */
let behind: TestServer;
/** Behind none. */
let open: TestServer;
let api: Api;
let keys: { flood: string; quiet: string; fresh: string };

beforeAll(async () => {
  behind = await startServer({ http: { ...LIMITS, trustedProxies: ['127.0.0.0/8'] } });
  open = await startServer({ http: LIMITS }, behind.database);
  api = new Api(behind.url, behind.token);
  await api.given({}, ['orders']);
  await api.putYaml('orders@base', 'a: 1\n');
  const secretOf = async (name: string): Promise<string> => (await api.must('POST', '/api/v1/client-keys', { name, service: 'orders', environment: 'base' })).json.secret as string;
  keys = { flood: await secretOf('flood'), quiet: await secretOf('quiet'), fresh: await secretOf('fresh') };
});
afterAll(async () => {
  await open.close();
  await behind.close();
});

const times = <T>(count: number, make: (index: number) => Promise<T>): Promise<T[]> => Promise.all(Array.from({ length: count }, (_, index) => make(index)));
const statuses = (answers: readonly Answer[], status: number): number => answers.filter((answer) => answer.status === status).length;
const from = (address: string): Record<string, string> => ({ 'x-forwarded-for': address });
const stranger = (address: string, path = '/api/v1/services'): Promise<Answer> => api.as(undefined).get(path, from(address));

function expectRefused(answer: Answer): void {
  expect([answer.status, answer.json.code]).toEqual([429, 'too_many_requests']);
  const seconds = Number(answer.headers.get('retry-after'));
  expect(seconds).toBeGreaterThanOrEqual(1);
  expect(answer.json.retryAfter).toBe(seconds);
}

/** At once, or a moment later: meanwhile one more may have flowed back, which the next attempt takes. */
const untilRefused = (send: () => Promise<Answer>): Promise<void> => eventually(async () => expectRefused(await send()));

describe('given a credential that nobody else is there with', () => {
  it('may take all there is while it is alone', async () => {
    expect(statuses(await times(5 * BURST, () => api.get('/api/v1/environments')), 200)).toBe(5 * BURST);
  });
});

describe('given requests without a valid credential', () => {
  it('refuses an address that sends too many, whatever they ask for and whatever they bring', async () => {
    const address = '203.0.113.1';
    const kinds: ((index: number) => Promise<Answer>)[] = [
      () => stranger(address),
      () => stranger(address, '/nope'),
      () => stranger(address, '/v1/config/base/orders'),
      () => api.as('garbage').get('/api/v1/services', from(address)),
      (index) => api.as(`tta_${String(index).padStart(43, 'x')}`).get('/api/v1/services', from(address)),
      (index) => api.as(`ttk_${String(index).padStart(43, 'x')}`).get('/v1/config/base/orders', from(address)),
      () => api.as(undefined).get('/docs', { ...from(address), authorization: `Basic ${Buffer.from('x:tta_nonsense').toString('base64')}` }),
      (index) => api.as(undefined).get('/api/v1/services', { ...from(address), cookie: `trimtab-session=tts_${String(index).padStart(43, 'x')}` }),
    ];
    const answers = await times(STRANGERS, (index) => kinds[index % kinds.length]!(index));
    expect(statuses(answers, 429)).toBe(0);
    for (const kind of kinds) await untilRefused(() => kind(99));
  });

  it('keeps nobody out who has a good credential, at the same address', async () => {
    const address = '203.0.113.2';
    await times(STRANGERS, () => stranger(address));
    await untilRefused(() => stranger(address));
    expect((await api.get('/api/v1/services', from(address))).status).toBe(200);
    expect((await api.as(keys.quiet).get('/v1/config/base/orders', from(address))).status).toBe(200);
    // But where none is asked for: it would be counted nowhere.
    expect((await api.post('/api/v1/session', { login: 'nobody', password: 'x' }, from(address))).status).toBe(429);
    expect((await stranger(address, '/health/live')).status).toBe(200);
    expect((await stranger(address, '/health/ready')).status).toBe(200);
  });

  it('counts each address for itself, and of IPv6 each network of 64 bits', async () => {
    await times(STRANGERS, (index) => stranger(`2001:db8:0:1::${index.toString(16)}`));
    await untilRefused(() => stranger('2001:db8:0:1:ffff:ffff:ffff:ffff'));
    expect((await stranger('2001:db8:0:2::1')).status).toBe(401);
    expect((await stranger('203.0.113.3')).status).toBe(401);
  });

  it('believes of a proxy what it says last', async () => {
    const real = '203.0.113.4';
    await times(STRANGERS, (index) => stranger(`198.51.100.${index}, ${real}`));
    await untilRefused(() => stranger(`198.51.100.200, ${real}`));
    await untilRefused(() => stranger(real));
  });

  it('believes no header where no proxy is named', async () => {
    const spoofing = (index: number): Promise<Answer> =>
      new Api(open.url, undefined).get('/api/v1/services', {
        'x-forwarded-for': `198.51.100.${index}`,
        forwarded: `for=198.51.100.${index}`,
        'x-real-ip': `198.51.100.${index}`,
        'x-client-ip': `198.51.100.${index}`,
        'cf-connecting-ip': `198.51.100.${index}`,
        'true-client-ip': `198.51.100.${index}`,
      });
    await times(STRANGERS, spoofing);
    await untilRefused(() => spoofing(201));
    // A socket as well: its key is not known, and it comes from where the others came from.
    await eventually(async () => expect(await (await openSocketIo(open.url, 'ttk_nonsense', { service: 'orders', environment: 'base' })).ended).toBe('too_many_requests'));
    const good = await openSocketIo(open.url, keys.quiet, { service: 'orders', environment: 'base' });
    expect(good.messages).toHaveLength(1);
    good.close();
    await good.ended;
  });
});

describe('given a credential that another is there with', () => {
  it('gives way, at the API', async () => {
    const other = (): Promise<Answer> => api.as(keys.quiet).get('/openapi.json');
    const flood = await times(5 * BURST, async (index) => {
      if (index % 10 === 9) expect((await other()).status).toBe(200);
      return api.get('/api/v1/environments');
    });
    const refused = flood.filter(({ status }) => status === 429);
    expect(refused.length).toBeGreaterThan(BURST);
    expectRefused(refused[0]!);
    expect(refused[0]!.headers.get('ratelimit-policy')).toBe(`"requests";q=${BURST};w=2`);
    expect(refused[0]!.headers.get('ratelimit')).toMatch(/^"requests";r=0;t=[123]$/);
    const { headers } = await other();
    expect(headers.get('ratelimit')).toMatch(/^"requests";r=\d;t=[012]$/);
  });

  it('gives way, on the data plane', async () => {
    const read = (key: string): Promise<Answer> => api.as(key).get('/v1/config/base/orders');
    const flood = await times(5 * BURST, async (index) => {
      if (index % 10 === 9) expect((await read(keys.quiet)).status).toBe(200);
      return read(keys.flood);
    });
    const refused = flood.filter(({ status }) => status === 429);
    expect(refused.length).toBeGreaterThan(BURST);
    expectRefused(refused[0]!);
  });

  it('is told how much is left', async () => {
    const { status, headers } = await api.as(keys.fresh).get('/openapi.json');
    expect([status, headers.get('ratelimit-policy'), headers.get('ratelimit')]).toEqual([200, `"requests";q=${BURST};w=2`, `"requests";r=${BURST - 1};t=1`]);
  });
});
