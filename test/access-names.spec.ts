import fc from 'fast-check';
import { Api, layerPath, type Answer } from './support/api';
import { openSocketIo } from './support/connections';
import { aServiceToken } from './support/people';
import { rawGet } from './support/raw-request';
import { startServer, type TestServer } from './support/server';

/**
 * What is checked is what is looked up: whoever may do something with `orders@production` reaches nothing else by any spelling
 * of any name or id, wherever it stands; and a spelling that is let through means just what it says.
 */
let server: TestServer;
let admin: Api;
let mine: Api;
let key: string;
let theirs: { change: number; revision: number };
let own: { change: number; revision: number };

const THEIRS = 'belongs-to-others';
const MINE = 'belongs-to-me';
const YAML = { 'content-type': 'application/yaml' };

beforeAll(async () => {
  server = await startServer({ http: { requestsPerSecond: 1_000_000, readsPerSecond: 1_000_000, strangersPerMinute: 1_000_000 } });
  admin = new Api(server.url, server.token);
  await admin.given({ production: 'base', staging: 'base', 'production-eu': 'production' }, ['orders', 'billing', 'orders2']);
  const change = async (layer: string, word: string): Promise<number> => {
    const { id } = (await admin.must('POST', '/api/v1/changes', { title: word })).json as { id: number };
    await admin.must('PUT', `/api/v1/changes/${id}${layerPath(layer).replace('/api/v1', '')}/documents/application`, `whose: ${word} draft\n`, YAML);
    return id;
  };
  for (const layer of ['billing@base', 'billing@production', 'orders2@production', 'orders@staging']) await admin.putYaml(layer, `whose: ${THEIRS}\n`);
  const published = async (layer: string, word: string): Promise<number> => (await admin.must('PUT', `${layerPath(layer)}/documents/application?message=${word}`, `whose: ${word}\n`, YAML)).json.revision as number;
  own = { change: await change('orders@production', MINE), revision: await published('orders@production', MINE) };
  theirs = { change: await change('billing@production', THEIRS), revision: await published('billing@production', THEIRS.concat('-2')) };
  mine = await aServiceToken(server.database, admin, [{ role: 'owner', services: 'orders', environment: 'production' }]);
  key = ((await admin.must('POST', '/api/v1/client-keys', { name: 'orders', service: 'orders', environment: 'production' })).json as { secret: string }).secret;
  for (const target of ['production/billing', 'staging/orders', 'production/orders2', 'production/orders']) await admin.must('GET', `/v1/config/${target}`);
});
afterAll(() => server.close());

/** Ways to write a name that something on the way might take for the name itself. */
const TRICKS: readonly ((name: string, at: number) => string)[] = [
  (name, at) => name.slice(0, at) + name.slice(at).toUpperCase(),
  (name, at) => `${name.slice(0, at)}%${name.charCodeAt(at).toString(16)}${name.slice(at + 1)}`,
  (name, at) => `${name.slice(0, at)}%25${name.charCodeAt(at).toString(16)}${name.slice(at + 1)}`,
  (name, at) => name.slice(0, at) + encodeURIComponent(String.fromCharCode(name.charCodeAt(at) + 0xfee0)) + name.slice(at + 1),
  (name, at) => `${name.slice(0, at)}%E2%80%8B${name.slice(at)}`,
  (name, at) => `${name.slice(0, at)}%CC%81${name.slice(at)}`,
  (name, at) => `${name.slice(0, at)}%00${name.slice(at)}`,
  (name) => `${name}%00`,
  (name) => `${name}.`,
  (name) => `${name}%20`,
  (name) => `%20${name}`,
  (name) => `${name}+`,
  (name) => `${name}%09`,
  (name) => `${name}%0a`,
  (name) => `${name};x=1`,
  (name) => `${name}%3bx`,
  (name) => `./${name}`,
  (name) => `%2e/${name}`,
  (name) => `orders/../${name}`,
  (name) => `orders%2f..%2f${name}`,
  (name) => `orders%5c..%5c${name}`,
  (name) => `..%2f${name}`,
  (name) => `orders,${name}`,
  (name) => `${name}%2f`,
  (name) => `${name}/`,
  (name) => `/${name}`,
  (name) => `${name}%23`,
  (name) => `${name}%3f`,
  (name) => `%c1%${name.charCodeAt(0).toString(16)}${name.slice(1)}`,
  (name) => name + 'x'.repeat(5_000),
  (name) => `*${name}`,
  () => '*',
  () => '%2a',
];
const spelt = (names: readonly string[]): fc.Arbitrary<string> =>
  fc.tuple(fc.constantFrom(...names), fc.array(fc.tuple(fc.constantFrom(...TRICKS), fc.nat(5)), { maxLength: 2 })).map(([name, tricks]) => tricks.reduce((text, [trick, at]) => trick(text, at), name));

const services = spelt(['billing', 'orders2', 'orders']);
const environments = spelt(['production', 'staging', 'base']);
const LAYER_READS = ['', '/documents/application', '/includes', '/effective', '/releases', '/releases/1', '/compare?from=0&to=1'];

const secretOf = (api: Api): string => api.token!;
const get = (path: string, secret: string): Promise<{ readonly status: number; readonly body: string }> => rawGet(server.url, path, [['authorization', `Bearer ${secret}`]]);

/** Refused, or it is the very thing that may be had. */
function expectMine(path: string, { status, body }: { readonly status: number; readonly body: string }): void {
  expect([path, body.includes(THEIRS)]).toEqual([path, false]);
  if (status >= 300) expectOneOf([400, 403, 404, 414, 431], path, status);
}

describe('given another spelling of a name in a path', () => {
  it('reaches nothing of others in the API', async () => {
    await fc.assert(
      fc.asyncProperty(services, environments, fc.constantFrom(...LAYER_READS), async (service, environment, rest) => {
        for (const path of [`/api/v1/services/${service}/environments/${environment}${rest}`, `/api/v1/services/${service}`, `/api/v1/environments/${environment}`]) expectMine(path, await get(path, secretOf(mine)));
      }),
      { numRuns: 200 },
    );
  });

  it('reaches nothing of others in the data plane, by a token as by a client key', async () => {
    await fc.assert(
      fc.asyncProperty(services, environments, fc.constantFrom('', '/application', '?origin=true', '?asOf=5'), async (service, environment, rest) => {
        const path = `/v1/config/${environment}/${service}${rest}`;
        for (const secret of [secretOf(mine), key]) expectMine(path, await get(path, secret));
      }),
      { numRuns: 200 },
    );
  });

  it('writes nothing to others', async () => {
    const before = await heads();
    await fc.assert(
      fc.asyncProperty(spelt(['billing', 'orders2']), environments, async (service, environment) => {
        const path = `/api/v1/services/${service}/environments/${environment}/documents/application`;
        // The client normalizes some of it by itself, as any client might.
        const answer = await mine.request('PUT', path, `whose: ${MINE}\n`, YAML);
        expect([path, answer.status >= 400]).toEqual([path, true]);
      }),
      { numRuns: 100 },
    );
    expect(await heads()).toEqual(before);
  });

  it('opens no socket to others', async () => {
    const targets = fc.sample(fc.record({ service: services, environment: environments }), 25).map(({ service, environment }) => ({ service: decoded(service), environment: decoded(environment) }));
    for (const target of [...targets, { service: 'billing', environment: 'production' }, { service: 'ORDERS2', environment: 'production' }]) {
      for (const secret of [secretOf(mine), key]) {
        const socket = await openSocketIo(server.url, secret, target);
        expect([target, JSON.stringify(socket.messages).includes(THEIRS)]).toEqual([target, false]);
        if (target.service !== 'orders' || target.environment !== 'production') expect([target, ['forbidden', 'malformed_request']]).toEqual([target, expect.arrayContaining([await socket.ended])]);
        else socket.close();
        await socket.ended;
      }
    }
  });
});

/** Tells which spelling it was that got another answer. */
function expectOneOf(statuses: readonly number[], what: string, status: number): void {
  expect([what, statuses.includes(status) || status]).toEqual([what, true]);
}

const decoded = (text: string): string => {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
};

async function heads(): Promise<unknown> {
  return server.database.dataSource.query('SELECT id, version FROM layer ORDER BY id');
}

describe('given another spelling of an id', () => {
  const digits = (id: number): string[] => {
    const text = String(id);
    const wide = [...text].map((digit) => encodeURIComponent(String.fromCharCode(digit.charCodeAt(0) + 0xfee0))).join('');
    const encoded = [...text].map((digit) => `%3${digit}`).join('');
    return [text, `0${text}`, `00${text}`, `${text}.0`, `${text}.`, `+${text}`, `%2b${text}`, `${text}e0`, `0x${id.toString(16)}`, `0b${id.toString(2)}`, `%20${text}`, `${text}%20`, `${text}%00`, `-${text}`, `${text}n`, `${text}_`, encoded, `%25${encoded.slice(1)}`, wide, `${text},${own.change}`, `${text};${own.change}`, `${text}%2f`, `${id + 2 ** 32}`, `${text}${'0'.repeat(30)}`, `[${text}]`, `%00${text}`];
  };

  it('reaches no change and no revision of others', async () => {
    for (const [id, place] of [[theirs.change, 'changes'], [theirs.revision, 'revisions']] as const) {
      for (const spelling of digits(id)) {
        for (const rest of place === 'changes' ? ['', '/impact', '/comments', '/reviews'] : ['', '/convergence']) {
          const path = `/api/v1/${place}/${spelling}${rest}`;
          const answer = await get(path, secretOf(mine));
          expectMine(path, answer);
          expectOneOf([400, 403, 404], path, answer.status);
        }
      }
    }
  });

  it('means, where it is understood, what it says', async () => {
    for (const [id, place] of [[own.change, 'changes'], [own.revision, 'revisions']] as const) {
      const right = await get(`/api/v1/${place}/${id}`, secretOf(mine));
      expect([right.status, right.body.includes(MINE)]).toEqual([200, true]);
      for (const spelling of digits(id)) {
        const { status, body } = await get(`/api/v1/${place}/${spelling}`, secretOf(mine));
        if (status === 200) expect([spelling, body]).toEqual([spelling, right.body]);
        else expectOneOf([400, 404], spelling, status);
      }
    }
  });
});

describe('given a name that is said twice', () => {
  it.each([
    '/api/v1/compare?service=orders&service=billing&from=production&to=production-eu',
    '/api/v1/compare?service=billing&service=orders&from=production&to=production-eu',
    '/api/v1/compare?service=orders&from=production&from=staging&to=production-eu',
    '/api/v1/compare?service[]=billing&service=orders&from=production&to=production-eu',
    '/api/v1/compare?service=orders&%73ervice=billing&from=production&to=production-eu',
    '/api/v1/instances?service=orders&service=billing',
    '/v1/config/production/orders?service=billing',
    '/v1/config/production/orders?environment=staging',
    '/v1/config/production/orders?service=billing&environment=staging',
  ])('is not understood in %s', async (path) => {
    const answer = await get(path, secretOf(mine));
    expectMine(path, answer);
    expect(answer.status).toBe(400);
  });

  it('is in a body what it is decided on', async () => {
    const send = (path: string, text: string): Promise<Answer> => mine.request('POST', path, text, { 'content-type': 'application/json' });
    const places = '"from": "production", "to": "production-eu"';
    for (const names of ['"services": ["orders"], "services": ["billing"]', '"services": ["billing"], "services": ["orders"]', '"services": ["orders"], "s\\u0065rvices": ["billing"]', '"services": ["orders", "billing"]', '"services": ["orders", "Billing"]', '"services": ["orders"], "__proto__": {"services": ["billing"]}', '"services": ["orders"], "constructor": {"services": ["billing"]}']) {
      const answer = await send('/api/v1/promotions', `{${names}, ${places}}`);
      expect([names, answer.text.includes(THEIRS), answer.text.includes('"billing"')]).toEqual([names, false, false]);
      if (answer.status === 201) expect(answer.json.edits.every(({ service }: { service: string }) => service === 'orders')).toBe(true);
      else expectOneOf([400, 403, 422], names, answer.status);
    }
    for (const name of ['"name": "orders", "name": "new"', '"name": "new", "name": "orders"', '"name": "Orders"', '"name": "orders "', '"name": "orders\\u0000"']) {
      expectOneOf([400, 403, 422], name, (await send('/api/v1/services', `{${name}}`)).status);
    }
  });

  it('is in an include what it is decided on', async () => {
    for (const service of ['billing', 'Billing', 'billing ', ' billing', 'billing\0', 'ｂilling', 'bıllıng', 'billing\u200b', 'orders/../billing', '*', 'orders2']) {
      const answer = await mine.request('PUT', `${layerPath('orders@production')}/includes`, { includes: [{ service }] });
      expectOneOf([400, 403], service, answer.status);
    }
    expect((await get('/v1/config/production/orders', key)).body).not.toContain(THEIRS);
  });
});
