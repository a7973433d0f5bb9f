import { randomBytes } from 'node:crypto';
import { connect } from '../client/src/index';
import { ADMINISTRATION, Api, layerPath, type Answer } from './support/api';
import { createTestDatabase, type TestDatabase } from './support/database';
import { eventually } from './support/eventually';
import { openInstance } from './support/instance-client';
import { MASTER_KEY, startServer, type TestServer } from './support/server';

let database: TestDatabase;
let server: TestServer;
let api: Api;
let client: Api;

beforeAll(async () => {
  database = await createTestDatabase();
  server = await startServer({}, database);
  api = new Api(server.url, server.token);
  await api.given({ staging: 'base', production: 'base', 'production-eu': 'production' }, ['orders', 'billing', 'common', 'rotated', 'typed', 'promoted', 'lost', 'followed']);
  client = api.as((await api.must('POST', '/api/v1/client-keys', { name: 'client', service: '*', environment: 'base' })).json.secret as string);
});
afterAll(async () => {
  await server.close();
  await database.close();
});

const silent = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
const PATCH = { 'content-type': 'application/merge-patch+json' };
const SEALED = expect.stringMatching(/^trimtab:sealed:1:[0-9a-f-]{36}:[\w-]+$/) as string;
const sealInto = (layer: string, patch: unknown, document = 'application', query = '', headers = {}): Promise<Answer> =>
  api.request('PATCH', `${layerPath(layer)}/documents/${document}?seal=true${query}`, JSON.stringify(patch), { ...PATCH, ...headers });
const sealed = async (layer: string, value: unknown): Promise<string> => (await api.must('POST', `${layerPath(layer)}/seal`, { value })).json.sealed as string;
const sourceOf = async (layer: string, document = 'application'): Promise<string> => (await api.must('GET', `${layerPath(layer)}/documents/${document}`)).text;
const audited = async (action: string): Promise<readonly { actor: unknown; subject: Record<string, unknown> }[]> =>
  database.dataSource.query('SELECT actor, subject FROM audit_record WHERE action = $1 ORDER BY id', [action]);

/** A server on the same database with other master keys. */
async function withKeys<T>(masterKeys: string | undefined, work: (there: { api: Api; client: Api; url: string }) => Promise<T>): Promise<T> {
  const other = await startServer({ secrets: { masterKeys } }, database);
  try {
    return await work({ api: new Api(other.url, api.token), client: new Api(other.url, client.token), url: other.url });
  } finally {
    await other.close();
  }
}

describe('given a value that was sealed', () => {
  beforeAll(async () => {
    await api.putYaml('orders@base', '# comments stay\ndb:\n  host: pg # where it is\n  password: changeme\nlist: [a]\n');
    await sealInto('orders@base', { db: { password: 'hunter2-base' }, list: [1, { deep: 'in a list' }], port: 5432, flag: null });
    await sealInto('orders@production', { db: { password: 'hunter2-production' } });
  });

  it('gives clear text to client keys, and what is stored to everybody else', async () => {
    const expected = { db: { host: 'pg', password: 'hunter2-production' }, list: [1, { deep: 'in a list' }], port: 5432 };
    expect(await client.values('orders@production')).toEqual({ application: expected });
    expect(await api.values('orders@production')).toEqual({ application: { db: { host: 'pg', password: SEALED }, list: SEALED, port: SEALED } });
  });

  it('names the secrets to the client, and to others that they are not shown them', async () => {
    const places = ['/db/password', '/list', '/port'];
    const clear = (await client.must('GET', '/v1/config/base/orders')).json;
    expect([clear.secrets, clear.unreadable, typeof clear.salt]).toEqual([places.map((path) => ['application', path]), undefined, 'string']);
    const stored = (await api.must('GET', '/v1/config/base/orders')).json;
    expect([stored.unreadable, stored.salt]).toEqual([places.map((path) => ({ document: 'application', path, reason: 'not_revealed' })), undefined]);
    expect(clear.etag).not.toBe(stored.etag);
  });

  it('keeps the document as it was written, in both variants', async () => {
    const stored = await sourceOf('orders@base');
    expect(stored.replace(/trimtab:sealed:[\w:-]+/g, 'SEALED')).toBe('# comments stay\ndb:\n  host: pg # where it is\n  password: SEALED\nlist: SEALED\nport: SEALED\n');
    const text = (await client.must('GET', '/v1/config/base/orders/application')).text;
    expect(text.split('\n').slice(0, 4)).toEqual(['# comments stay', 'db:', '  host: pg # where it is', '  password: hunter2-base']);
    expect((await api.must('GET', '/v1/config/base/orders/application')).text).toBe(stored);
  });

  it('reads it as of any revision, and says where it comes from without it', async () => {
    const { revision } = (await api.must('GET', layerPath('orders@base'))).json;
    await sealInto('orders@base', { db: { password: 'newer' } });
    expect((await client.values('orders@base', `?asOf=${revision}`)).application).toMatchObject({ db: { password: 'hunter2-base' } });
    expect((await client.must('GET', '/v1/config/production/orders?origin=true')).text).not.toMatch(/hunter2|newer/);
  });

  it('gives an ETag that cannot be tried against guesses, the same on every replica', async () => {
    const here = (await client.must('GET', '/v1/config/production/orders')).json;
    await withKeys(MASTER_KEY, async (there) => {
      expect((await there.client.must('GET', '/v1/config/production/orders')).json).toMatchObject({ etag: here.etag, salt: here.salt });
    });
    const staging = (await client.must('GET', '/v1/config/staging/orders')).json;
    expect(staging.salt).not.toBe(here.salt);
  });

  it('seals nothing twice, and null still unsets', async () => {
    const text = await sealed('orders@staging', 'once');
    await sealInto('orders@staging', { once: text, twice: 'x' });
    await sealInto('orders@staging', { twice: null });
    expect((await client.values('orders@staging')).application).toMatchObject({ once: 'once' });
    expect(JSON.stringify(await client.values('orders@staging'))).not.toContain('twice');
  });

  it('makes one data key for those who seal at the same time', async () => {
    await api.must('POST', '/api/v1/services', { name: 'at-once' });
    const texts = await Promise.all(Array.from({ length: 8 }, (_, index) => sealed('at-once@base', index)));
    expect(new Set(texts.map((text) => text.split(':')[3])).size).toBe(1);
    expect((await api.post(`${layerPath('at-once@nowhere')}/seal`, { value: 1 })).json.code).toBe('environment_not_found');
  });

  it('opens thousands in one document', async () => {
    await sealInto('at-once@staging', Object.fromEntries(Array.from({ length: 3_000 }, (_, index) => [`key${index}`, index])), 'many');
    expect(((await client.values('at-once@staging')).many as Record<string, number>).key2999).toBe(2999);
    expect((await client.must('GET', '/v1/config/staging/at-once/many')).json.key1).toBe(1);
  });

  it('takes only merge patches, and shows nothing of one it cannot read', async () => {
    const at = `${layerPath('orders@base')}/documents/application?seal=true`;
    const list = await api.request('PATCH', at, '[{"op":"add","path":"/a","value":"in-a-json-patch"}]', { 'content-type': 'application/json-patch+json' });
    expect([list.status, list.json.code, list.json.pointer]).toEqual([400, 'malformed_request', '/seal']);
    for (const [path, method] of [[at, 'PATCH'], [`${layerPath('orders@base')}/seal`, 'POST']] as const) {
      const broken = await api.request(method, path, '{"value": hunter2-broken}', method === 'PATCH' ? PATCH : { 'content-type': 'application/json' });
      expect(broken.status).toBeGreaterThanOrEqual(400);
      expect(broken.text).not.toContain('hunter2');
    }
  });

  it('works in every structured format, in drafts as well', async () => {
    const { id } = (await api.must('POST', '/api/v1/changes', { title: 'Sealed' })).json;
    for (const [name, format, source] of [['j', 'json', '{"a":"b"}'], ['t', 'toml', 'a = "b"\n'], ['p', 'properties', 'a=b\n']] as const) {
      const path = `/api/v1/changes/${id}/services/billing/environments/base/documents/${name}`;
      await api.must('PUT', `${path}?format=${format}`, source, { 'content-type': 'text/plain' });
      await api.must('PATCH', `${path}?seal=true`, '{"s":{"ecret":"of a draft"}}', PATCH);
    }
    expect((await api.must('GET', `/api/v1/changes/${id}`)).text).not.toContain('of a draft');
    await api.must('POST', `/api/v1/changes/${id}/publish`);
    expect(await client.values('billing@base')).toEqual(Object.fromEntries(['j', 't', 'p'].map((name) => [name, { a: 'b', s: { ecret: 'of a draft' } }])));
    expect((await client.must('GET', '/v1/config/base/billing/p')).text).toBe('a=b\ns.ecret=of a draft\n');
  });

  it('does not keep what an Idempotency-Key came with', async () => {
    const header = { 'idempotency-key': 'sealing-once' };
    const first = await sealInto('billing@staging', { a: 'short' }, 'application', '', header);
    const second = await sealInto('billing@staging', { a: 'other' }, 'application', '', header);
    expect([second.json.revision, second.headers.get('idempotency-replayed')]).toEqual([first.json.revision, 'true']);
  });
});

describe('given a value that was sealed for another layer', () => {
  it.each([
    ['another environment', 'billing@staging', 'billing@production'],
    ['another service', 'orders@production', 'billing@production'],
    ['the environment above', 'billing@base', 'billing@production'],
  ])('refuses to publish what is of %s', async (_what, from, to) => {
    const text = await sealed(from, 'bound');
    const answer = await api.putYaml(to, `a:\n  b: ${text}\n`, 'copied');
    expect([answer.status, answer.json.code, answer.json.pointer]).toEqual([422, 'sealed_elsewhere', '/a/b']);
    expect(answer.json.sealed).toEqual([expect.objectContaining({ document: 'copied', path: '/a/b', from })]);
  });

  it('says where it is from to nobody who may not view that', async () => {
    const { secret } = (await api.must('POST', '/api/v1/tokens', { name: 'elsewhere', grants: [{ role: 'publisher', services: 'billing', environment: 'production' }] })).json;
    const { status, json, text } = await api.as(secret as string).putYaml('billing@production', `a: ${await sealed('orders@staging', 'bound')}\n`, 'copied');
    expect([status, json.code]).toEqual([422, 'sealed_elsewhere']);
    expect(text).not.toMatch(/orders|staging/);
  });

  it.each(['trimtab:sealed:1:x', `trimtab:sealed:1:00000000-0000-4000-8000-000000000000:${'A'.repeat(60)}`, 'trimtab:sealed:2:anything'])('refuses %s', async (text) => {
    expect((await api.putYaml('billing@production', `a: ${text}\n`, 'copied')).json.code).toBe('sealed_invalid');
  });

  it('lets it move within its layer, and come back with a rollback', async () => {
    const text = await sealed('billing@production', 'moves');
    const { json } = await api.putYaml('billing@production', `here: ${text}\n`, 'moving');
    await api.must('DELETE', `${layerPath('billing@production')}/documents/moving`);
    await api.putYaml('billing@production', `there:\n  it: ${text}\n`, 'elsewhere');
    expect((await client.values('billing@production')).elsewhere).toEqual({ there: { it: 'moves' } });
    const { version } = json.layers[0];
    await api.must('POST', `${layerPath('billing@production')}/rollback`, { version });
    expect((await client.values('billing@production')).moving).toEqual({ here: 'moves' });
  });

  it('keeps what the target has of its own in a promotion, and names what it has not', async () => {
    await sealInto('promoted@staging', { db: { password: 'of-staging' }, token: 'new-in-staging' });
    await sealInto('promoted@production', { db: { password: 'of-production' } });
    const { id } = (await api.must('POST', '/api/v1/promotions', { services: ['promoted'], from: 'staging', to: 'production' })).json;
    const refused = await api.post(`/api/v1/changes/${id}/publish`);
    expect([refused.json.code, refused.json.sealed]).toEqual(['sealed_elsewhere', [expect.objectContaining({ path: '/token', from: 'promoted@staging' })]]);
    const draft = `/api/v1/changes/${id}/services/promoted/environments/production/documents/application`;
    await api.must('PATCH', `${draft}?seal=true`, '{"token":"new-in-production"}', PATCH);
    await api.must('POST', `/api/v1/changes/${id}/publish`);
    expect((await client.values('promoted@production')).application).toEqual({ db: { password: 'of-production' }, token: 'new-in-production' });
  });

  it('keeps it in an import', async () => {
    await api.must('POST', '/api/v1/services', { name: 'brought' });
    await sealInto('brought@base', { password: 'of its own' });
    const content = `password: ${await sealed('billing@base', 'foreign')}\nplain: 2\n`;
    await api.must('POST', '/api/v1/imports', { files: [{ path: 'brought.yml', content }], title: 'A repository' });
    expect((await client.values('brought@base')).application).toEqual({ password: 'of its own', plain: 2 });
    const other = await api.post('/api/v1/imports', { files: [{ path: 'brought.yml', content: content.replace('password', 'secret') }], title: 'Again' });
    expect(other.json.code).toBe('sealed_elsewhere');
  });
});

describe('given a schema', () => {
  const attach = (schema: object): Promise<Answer> => api.request('PUT', `${layerPath('typed@base')}/schemas/application`, schema);

  beforeAll(async () => sealInto('typed@base', { port: 5432, pin: '0815', user: await sealed('typed@base', { name: 'root' }) }));

  it('is held against the type of a secret', async () => {
    const answer = await attach({ properties: { port: { type: 'string' } } });
    expect([answer.status, answer.json.violations[0]]).toEqual([422, expect.objectContaining({ path: '/port', message: 'must be string' })]);
    expect((await attach({ properties: { port: { type: 'integer' }, pin: { type: 'string' }, user: { type: 'object' } } })).status).toBe(200);
  });

  it.each([
    ['a constant', { properties: { pin: { const: '0815' } } }, { properties: { pin: { const: '0816' } } }],
    ['a pattern', { properties: { pin: { pattern: '^0' } } }, { properties: { pin: { pattern: '^1' } } }],
    ['a limit', { properties: { port: { minimum: 5000 } } }, { properties: { port: { minimum: 6000 } } }],
    ['a condition', { if: { properties: { pin: { const: '0815' } } }, then: { required: ['absent'] } }, { if: { properties: { pin: { const: '0816' } } }, then: { required: ['absent'] } }],
    ['a choice', { oneOf: [{ properties: { port: { maximum: 1 } } }, { properties: { port: { const: 5432 } } }] }, { oneOf: [{ properties: { port: { maximum: 1 } } }, { properties: { port: { const: 1 } } }] }],
    ['members', { properties: { user: { required: ['name'] } } }, { properties: { user: { required: ['other'] } } }],
  ])('cannot be used to ask for a secret with %s', async (_what, right, wrong) => {
    const answers = [await attach({ ...right, title: 'right' }), await attach({ ...wrong, title: 'wrong' })];
    expect(answers.map(({ status, json }) => [status, json.violations])).toEqual([[200, undefined], [200, undefined]]);
  });

  it('still judges what stands beside a secret', async () => {
    expect((await attach({ properties: { pin: { pattern: 'x' } }, required: ['missing'] })).json.violations[0]).toMatchObject({ path: '/missing' });
  });
});

describe('given people who want to see secrets', () => {
  const reveal = (by: Api, body: object, layer = 'orders@production'): Promise<Answer> => by.post(`${layerPath(layer)}/reveal`, body);

  it('shows them, and records what was shown before it answers', async () => {
    await sealInto('orders@production', { db: { password: 'to be shown' } });
    const { status, json } = await reveal(api, { document: 'application', path: 'db.password' });
    expect([status, json.values]).toEqual([200, [{ document: 'application', path: '/db/password', service: 'orders', environment: 'production', value: 'to be shown' }]]);
    expect((await audited('secret.reveal')).at(-1)?.subject).toMatchObject({ service: 'orders', environment: 'production', values: ['orders@production application /db/password'] });
  });

  it('refuses who has not been granted it, an administrator included, and records that too', async () => {
    const plain = api.as((await api.must('POST', '/api/v1/tokens', { name: 'no reveal', grants: ADMINISTRATION })).json.secret as string);
    const before = (await audited('secret.reveal-refused')).length;
    expect((await reveal(plain, {})).status).toBe(403);
    const refusals = await audited('secret.reveal-refused');
    expect([refusals.length - before, refusals.at(-1)]).toEqual([1, { actor: expect.objectContaining({ name: 'no reveal' }), subject: { service: 'orders', environment: 'production' } }]);
  });

  it('does not show them what an included service has sealed, unless they may be shown it there', async () => {
    await sealInto('common@base', { shared: 'of the library' }, 'library');
    await api.include('orders@production', 'common');
    expect(((await client.values('orders@production')).library as { shared: string }).shared).toBe('of the library');
    const { secret } = (await api.must('POST', '/api/v1/tokens', { name: 'orders only', grants: [{ role: 'viewer', services: 'orders', environment: 'base', reveal: true }] })).json as { secret: string };
    const { json } = await reveal(api.as(secret), {});
    expect(Object.fromEntries(json.values.map((value: { path: string; value?: unknown; fault?: string }) => [value.path, value.value ?? value.fault]))).toMatchObject({ '/db/password': 'to be shown', '/shared': 'not_allowed' });
    expect((await reveal(api.as(secret), { document: 'library' })).status).toBe(403);
  });

  it('lets nobody include what has secrets they may not be shown, here or in an environment below', async () => {
    await api.must('POST', '/api/v1/services', { name: 'curious' });
    await sealInto('billing@production-eu', { key: 'of billing' }, 'deep');
    const grants = [{ role: 'publisher', services: 'curious', environment: 'base' }, { role: 'viewer', services: 'billing', environment: 'base' }];
    const publisher = api.as((await api.must('POST', '/api/v1/tokens', { name: 'curious', grants })).json.secret as string);
    for (const environment of ['production', 'production-eu']) {
      const answer = await publisher.include(`curious@${environment}`, 'billing');
      expect([answer.status, answer.json.detail]).toEqual([403, expect.stringMatching(/reveal on billing@/)]);
    }
    // One who may decides for the others; what is included already, they may keep.
    await api.must('PUT', `${layerPath('curious@production')}/includes`, { includes: [{ service: 'billing' }] });
    expect((await publisher.include('curious@production-eu', 'billing')).status).toBe(200);
    expect((await client.values('curious@production-eu')).deep).toEqual({ key: 'of billing' });
  });

  it('has nothing to show where nothing is sealed', async () => {
    expect((await reveal(api, { document: 'application', path: 'db.host' })).json.code).toBe('secret_not_found');
  });
});

describe('given a client that follows', () => {
  it('sends it clear text and deltas, and a token beside it neither', async () => {
    await sealInto('followed@base', { password: 'first-secret', filler: 'x'.repeat(400) });
    const open = async (key: string): Promise<{ lines: string[]; close(): void }> => {
      const controller = new AbortController();
      const response = await fetch(`${server.url}/v1/config/base/followed`, { headers: { authorization: `Bearer ${key}`, accept: 'text/event-stream' }, signal: controller.signal });
      const lines: string[] = [];
      void (async () => {
        const decoder = new TextDecoder();
        for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) lines.push(decoder.decode(chunk));
      })().catch(() => undefined);
      return { lines, close: () => controller.abort() };
    };
    const streams = [await open(client.token!), await open(api.token!)];
    const config = await connect({ url: server.url, key: client.token!, service: 'followed', environment: 'base', diskSnapshot: false });
    try {
      await eventually(() => expect(streams.map(({ lines }) => lines.join('').includes('event: snapshot'))).toEqual([true, true]));
      await sealInto('followed@base', { password: 'second-secret' });
      await eventually(() => expect(config.snapshot()).toMatchObject({ password: 'second-secret' }));
      await eventually(() => expect(streams.map(({ lines }) => lines.join('').includes('event: delta'))).toEqual([true, true]));
      const [clear, stored] = streams.map(({ lines }) => lines.join(''));
      expect([clear!.includes('first-secret'), clear!.includes('second-secret'), /(first|second)-secret/.test(stored!)]).toEqual([true, true, false]);
    } finally {
      await config.close();
      for (const stream of streams) stream.close();
    }
  });

  it('keeps no secret that a client reports by mistake', async () => {
    await sealInto('followed@base', { password: 'reported-secret' });
    const instance = await openInstance({ url: server.url, token: client.token! }, { target: 'followed@base', info: { id: 'careless' } });
    try {
      instance.refuse('cannot log in with reported-secret');
      await eventually(async () => {
        const { items } = (await api.must('GET', '/api/v1/instances')).json;
        expect(items).toEqual([expect.objectContaining({ reason: 'cannot log in with [secret]' })]);
      });
    } finally {
      instance.close();
    }
  });

  it('counts it as having taken what was only sealed anew', async () => {
    await sealInto('followed@production', { password: 'third-secret' });
    const config = await connect({ url: server.url, key: client.token!, service: 'followed', environment: 'production', diskSnapshot: false });
    try {
      const { revision } = (await sealInto('followed@production', { password: 'third-secret' })).json;
      await eventually(async () => {
        const { total, taken } = (await api.must('GET', `/api/v1/revisions/${revision}/convergence`)).json;
        expect([total, taken]).toEqual([1, 1]);
      });
      expect(config.status().revision).toBeLessThan(revision);
    } finally {
      await config.close();
    }
  });
});

describe('given another master key', () => {
  const NEW_KEY = `new-key:${randomBytes(32).toString('base64')}`;

  it('wraps the data keys anew without a new version of anything, and the old one can be dropped', async () => {
    await sealInto('rotated@base', { password: 'outlives its keys' });
    const before = (await api.must('GET', '/api/v1/revisions')).json.items[0].revision;
    await withKeys(`${NEW_KEY},${MASTER_KEY}`, async (there) => {
      const { masterKey, rewrapped, unreadable } = (await there.api.must('POST', '/api/v1/data-keys/rewrap')).json;
      expect([masterKey, rewrapped > 0, unreadable]).toEqual(['new-key', true, []]);
    });
    await withKeys(NEW_KEY, async (there) => {
      expect((await there.client.values('rotated@base')).application).toEqual({ password: 'outlives its keys' });
      expect((await there.api.must('GET', '/api/v1/data-keys')).json.items.map(({ masterKey, readable }: { masterKey: string; readable: boolean }) => `${masterKey} ${readable}`)).not.toContain('test-key true');
    });
    expect((await api.must('GET', '/api/v1/revisions')).json.items[0].revision).toBe(before);
    await withKeys(`${MASTER_KEY},${NEW_KEY}`, (there) => there.api.must('POST', '/api/v1/data-keys/rewrap'));
  });

  it('starts a new data key, and reads what was sealed with the one before', async () => {
    const first = (await api.must('POST', '/api/v1/services/rotated/data-keys')).json;
    await sealInto('rotated@base', { another: 'with a new key' });
    expect((await client.values('rotated@base')).application).toEqual({ password: 'outlives its keys', another: 'with a new key' });
    expect(await sourceOf('rotated@base')).toContain(first.id);
  });
});

describe('given a master key that was lost', () => {
  beforeAll(async () => {
    await api.putYaml('lost@base', 'plain: 1\n', 'other');
    await sealInto('lost@base', { password: 'gone', user: 'also' });
    await api.patch('lost@base', { plain: 1 });
  });

  it('says so of each value, and delivers everything else', async () => {
    await withKeys(undefined, async ({ client: there }) => {
      const { json } = await there.must('GET', '/v1/config/base/lost');
      expect(json.documents).toMatchObject({ application: { value: { password: SEALED, user: SEALED, plain: 1 } }, other: { value: { plain: 1 } } });
      expect(json.unreadable).toEqual(['/password', '/user'].map((path) => ({ document: 'application', path, reason: 'master_key_missing' })));
      expect((await there.get('/v1/config/base/lost/application')).json.code).toBe('secret_unreadable');
      expect((await there.must('GET', '/v1/config/base/lost/other')).text).toBe('plain: 1\n');
    });
  });

  it('lets everything that needs no key go on, in the same document too', async () => {
    await withKeys(undefined, async (there) => {
      expect((await there.api.request('POST', `${layerPath('lost@base')}/seal`, { value: 1 })).json.code).toBe('master_key_missing');
      expect((await there.api.patch('lost@base', { plain: 2 })).status).toBe(200);
      expect((await there.api.must('GET', `${layerPath('lost@base')}/effective`)).status).toBe(200);
      expect((await there.api.must('POST', `${layerPath('lost@base')}/reveal`, {})).json.values).toEqual(expect.arrayContaining([expect.objectContaining({ path: '/password', fault: 'master_key_missing' })]));
    });
    expect((await client.values('lost@base')).application).toEqual({ password: 'gone', user: 'also', plain: 2 });
  });

  it('gives a client that starts the reason', async () => {
    await withKeys(undefined, async ({ url }) => {
      const options = { url, key: client.token!, service: 'lost', environment: 'base', diskSnapshot: false, logger: silent } as const;
      await expect(connect(options)).rejects.toThrow(/application \/password \(master_key_missing\)/);
    });
  });
});
