import { randomBytes } from 'node:crypto';
import { hashOf } from '../src/access/secret';
import { LastUse } from '../src/access/last-use';
import { Standing } from '../src/access/standing';
import { ADMINISTRATION, Api, type Answer } from './support/api';
import { Browser } from './support/browser';
import { OPENERS, openSocketIo } from './support/connections';
import { createTestDatabase, type TestDatabase } from './support/database';
import { eventually } from './support/eventually';
import { startServer, type TestServer } from './support/server';

interface Created {
  readonly id: string;
  readonly secret: string;
}

const TARGET = { service: 'orders', environment: 'production' };
const LAYER = '/api/v1/services/orders/environments/production';
const CONFIG = '/v1/config/production/orders';
const NOBODY = '00000000-0000-4000-8000-000000000000';
const PASSWORD = 'quiet lamp on the stair';
const OWNER = { role: 'owner', services: 'orders', environment: 'production' } as const;
const VIEWER = { role: 'viewer', services: 'orders', environment: 'production' } as const;

let database: TestDatabase;
let server: TestServer;
let replica: TestServer;
let admin: Api;
let owner: Api;
let ada: Browser;
let adaId: string;

beforeAll(async () => {
  database = await createTestDatabase();
  server = await startServer({}, database);
  replica = await startServer({}, database);
  admin = new Api(server.url, server.token);
  await admin.given({ production: 'base', 'production-eu': 'production', staging: 'base' }, ['orders', 'billing']);
  await admin.putYaml('orders@base', 'a: 1\n');
  owner = admin.as((await aToken(admin, [OWNER])).secret);
  ({ browser: ada, id: adaId } = await aPerson());
  await admin.must('POST', '/api/v1/grants', { subject: { kind: 'person', id: adaId }, ...OWNER });
});
afterAll(async () => {
  await server.close();
  await replica.close();
  await database.close();
});

const unique = (prefix: string): string => `${prefix}-${randomBytes(4).toString('hex')}`;
const inMs = (ms: number): string => new Date(Date.now() + ms).toISOString();
const inDays = (days: number): string => inMs(days * 86_400_000);
const query = <Row>(text: string, values: unknown[] = []): Promise<Row[]> => database.dataSource.query<Row[]>(text, values);

async function aToken(by: Api, grants: readonly object[], more: object = {}): Promise<Created> {
  return (await by.must('POST', '/api/v1/tokens', { name: unique('token'), grants, ...more })).json as Created;
}

async function aPersonalToken(by: Api, more: object = {}): Promise<Created> {
  return (await by.must('POST', '/api/v1/tokens', { name: unique('mine'), personal: true, expiresAt: inDays(30), ...more })).json as Created;
}

async function aKey(by: Api, more: object = {}): Promise<Created> {
  return (await by.must('POST', '/api/v1/client-keys', { name: unique('key'), ...TARGET, ...more })).json as Created;
}

async function aPerson(): Promise<{ id: string; browser: Browser }> {
  const { json } = await admin.must('POST', '/api/v1/people', { login: unique('ada'), name: 'Ada' });
  const browser = new Browser(server.url);
  await browser.must('POST', '/api/v1/links', { secret: json.link.secret, password: PASSWORD });
  return { id: json.id as string, browser };
}

const listed = async (api: Api, kind = 'tokens'): Promise<{ id: string; [member: string]: unknown }[]> => (await api.must('GET', `/api/v1/${kind}?limit=200`)).json.items;
const seenBy = async (api: Api, id: string, kind = 'tokens') => (await listed(api, kind)).find((item) => item.id === id);
const status = async (secret: string, url = server.url): Promise<number> => (await new Api(url, secret).get(CONFIG)).status;

describe('given a service token', () => {
  it('may do what it is granted, and says so', async () => {
    const { secret, ...token } = (await owner.must('POST', '/api/v1/tokens', { name: 'pipeline', grants: [VIEWER] })).json as Created & Record<string, unknown>;
    expect(secret).toMatch(/^tta_[0-9A-Za-z]{49}$/);
    expect(token).toMatchObject({ name: 'pipeline', grants: [{ ...VIEWER, reveal: false }], expiresAt: null, lastUsedAt: null, rotatedAt: null, createdBy: { kind: 'token' } });
    const holder = admin.as(secret);
    expect((await holder.get(LAYER)).status).toBe(200);
    expect((await holder.putYaml('orders@production', 'b: 1\n')).json).toMatchObject({ code: 'forbidden' });
    expect((await holder.get('/api/v1/services/billing/environments/production')).json).toMatchObject({ code: 'forbidden' });
  });

  it.each([
    [{ name: 'nothing' }, '/grants'],
    [{ name: 'nothing', grants: [] }, '/grants'],
    [{ name: 'twice', grants: [VIEWER, { ...VIEWER, reveal: true }] }, '/grants/1'],
    [{ name: 'half an administrator', grants: [VIEWER, { ...VIEWER, role: 'admin' }] }, '/grants/1/role'],
    [{ name: 'nowhere', grants: [{ ...VIEWER, environment: 'nowhere' }] }, '/grants/0/environment'],
    [{ name: 'null', grants: [null] }, '/grants/0'],
  ])('is not made of %j', async (body, pointer) => {
    const before = await query('SELECT count(*) FROM credential');
    expect((await admin.post('/api/v1/tokens', body)).json).toMatchObject({ pointer });
    expect(await query('SELECT count(*) FROM credential')).toEqual(before);
  });

  it('is seen, rotated and revoked by whoever may grant wherever it has anything, and is nothing to others', async () => {
    const within = await aToken(admin, [VIEWER]);
    const partly = await aToken(admin, [VIEWER, { ...VIEWER, services: 'billing' }]);
    const bare = await aToken(admin, [VIEWER]);
    await query(`DELETE FROM access_grant WHERE subject = $1`, [bare.id]);
    const seen = (await listed(owner)).map(({ id }) => id);
    expect([seen.includes(within.id), seen.includes(partly.id), seen.includes(bare.id)]).toEqual([true, false, false]);
    for (const id of [partly.id, bare.id, NOBODY]) {
      expect((await owner.request('DELETE', `/api/v1/tokens/${id}`)).json).toMatchObject({ status: 404, code: 'credential_not_found' });
      expect((await owner.post(`/api/v1/tokens/${id}/rotate`, {})).json).toMatchObject({ status: 404, code: 'credential_not_found' });
    }
    const viewer = admin.as((await aToken(admin, [{ ...VIEWER, services: '*', environment: 'base' }])).secret);
    expect(await listed(viewer)).toHaveLength(1);
    expect((await viewer.request('DELETE', `/api/v1/tokens/${within.id}`)).json).toMatchObject({ code: 'credential_not_found' });
    expect((await owner.request('DELETE', `/api/v1/tokens/${within.id}`)).status).toBe(204);
    expect((await admin.get(CONFIG)).status).toBe(200);
  });

  it('that could do more is seen by who may grant everywhere, and left alone', async () => {
    const ownerOfAll = admin.as((await aToken(admin, [{ ...OWNER, services: '*', environment: 'base' }])).secret);
    const stronger = [await aToken(admin, ADMINISTRATION), await aToken(admin, [{ ...VIEWER, reveal: true }])];
    for (const { id } of stronger) {
      expect(await seenBy(ownerOfAll, id)).toMatchObject({ id });
      expect((await ownerOfAll.request('DELETE', `/api/v1/tokens/${id}`)).json).toMatchObject({ status: 403, code: 'forbidden' });
      expect((await ownerOfAll.post(`/api/v1/tokens/${id}/rotate`, {})).json).toMatchObject({ status: 403, code: 'forbidden' });
      await admin.must('DELETE', `/api/v1/tokens/${id}`);
    }
  });

  it('may end itself', async () => {
    const { id, secret } = await aToken(admin, [VIEWER]);
    expect((await admin.as(secret).request('DELETE', `/api/v1/tokens/${id}`)).status).toBe(204);
    expect(await status(secret)).toBe(401);
  });
});

describe('given a personal token', () => {
  it('may do what its person may, within what it is limited to', async () => {
    const { secret, ...token } = await aPersonalToken(ada);
    expect(secret).toMatch(/^ttp_[0-9A-Za-z]{49}$/);
    expect(token).toMatchObject({ person: { id: adaId, name: 'Ada' }, grants: [] });
    expect((await admin.as(secret).putYaml('orders@production', 'b: 1\n')).status).toBe(200);
    const limited = await aPersonalToken(ada, { grants: [{ ...VIEWER, services: '*', environment: 'production-eu' }] });
    const holder = admin.as(limited.secret);
    expect((await holder.get('/api/v1/services/orders/environments/production-eu')).status).toBe(200);
    for (const path of [LAYER, '/api/v1/services/billing/environments/production-eu']) expect((await holder.get(path)).json).toMatchObject({ code: 'forbidden' });
  });

  it.each([
    [{}, { code: 'malformed_request', pointer: '/expiresAt' }],
    [{ expiresAt: '2020-01-01T00:00:00Z' }, { code: 'malformed_request', pointer: '/expiresAt' }],
    [{ expiresAt: inDays(367) }, { code: 'malformed_request', pointer: '/expiresAt' }],
    [{ expiresAt: inDays(1), grants: [{ ...VIEWER, environment: 'staging' }] }, { code: 'forbidden' }],
    [{ expiresAt: inDays(1), grants: [{ ...VIEWER, environment: 'nowhere' }] }, { code: 'forbidden' }],
  ])('is not made with %j', async (more, problem) => {
    expect((await ada.post('/api/v1/tokens', { name: 'x', personal: true, ...more })).json).toMatchObject(problem);
  });

  it('is made, rotated and seen by its person, signed in, and by no other token', async () => {
    const mine = await aPersonalToken(ada);
    const limited = await aPersonalToken(ada, { grants: [VIEWER] });
    const holder = admin.as(limited.secret);
    expect((await holder.post('/api/v1/tokens', { name: 'x', personal: true, expiresAt: inDays(1) })).json).toMatchObject({ code: 'forbidden' });
    expect((await owner.post('/api/v1/tokens', { name: 'x', personal: true, expiresAt: inDays(1) })).json).toMatchObject({ code: 'forbidden' });
    // What a limited token could get hold of would not be limited.
    expect((await listed(holder)).map(({ id }) => id)).toEqual([limited.id]);
    for (const api of [holder, owner]) {
      expect((await api.post(`/api/v1/tokens/${mine.id}/rotate`, {})).json).toMatchObject({ status: 404, code: 'credential_not_found' });
      expect((await api.request('DELETE', `/api/v1/tokens/${mine.id}`)).json).toMatchObject({ status: 404, code: 'credential_not_found' });
    }
    const stranger = (await aPerson()).browser;
    expect(await listed(stranger)).toEqual([]);
    expect((await stranger.post(`/api/v1/tokens/${mine.id}/rotate`, {})).json).toMatchObject({ code: 'credential_not_found' });
    expect(await seenBy(ada, mine.id)).toMatchObject({ id: mine.id, person: { id: adaId } });
    const rotated = (await ada.must('POST', `/api/v1/tokens/${mine.id}/rotate`, { overlap: '0', expiresAt: inDays(300) })).json as Created;
    expect([rotated.secret.slice(0, 4), await status(mine.secret), await status(rotated.secret)]).toEqual(['ttp_', 401, 200]);
    expect((await ada.post(`/api/v1/tokens/${mine.id}/rotate`, { expiresAt: inDays(400) })).json).toMatchObject({ pointer: '/expiresAt' });
  });

  it('is ended by an administrator, who is never given its secret', async () => {
    const { id, secret } = await aPersonalToken(ada);
    expect(await seenBy(admin, id)).toMatchObject({ person: { id: adaId } });
    expect((await admin.post(`/api/v1/tokens/${id}/rotate`, {})).json).toMatchObject({ status: 403, code: 'forbidden' });
    await admin.must('DELETE', `/api/v1/tokens/${id}`);
    expect(await status(secret)).toBe(401);
  });

  it('is one of a hundred at most', async () => {
    const { browser } = await aPerson();
    const make = (): Promise<Answer> => browser.post('/api/v1/tokens', { name: 'one of many', personal: true, expiresAt: inDays(1) });
    const made = await Promise.all(Array.from({ length: 102 }, make));
    expect(made.filter(({ status }) => status === 201)).toHaveLength(100);
    expect(made.filter(({ status, json }) => status === 403 && json.code === 'forbidden')).toHaveLength(2);
    await browser.must('DELETE', `/api/v1/tokens/${made.find(({ status }) => status === 201)?.json.id}`);
    expect((await make()).status).toBe(201);
  });

  it('keeps what it is limited to: nobody adds to it or takes it away as a grant', async () => {
    const { id } = await aPersonalToken(ada, { grants: [VIEWER] });
    const [limit] = await query<{ id: string }>('SELECT id FROM access_grant WHERE subject = $1', [id]);
    expect((await admin.get(`/api/v1/grants?subject=${id}`)).json.items).toEqual([]);
    expect((await admin.request('DELETE', `/api/v1/grants/${limit?.id}`)).json).toMatchObject({ code: 'grant_not_found' });
  });
});

describe('given a client key', () => {
  it('belongs to whoever may grant wherever it reads', async () => {
    const [mine, wider] = [await aKey(owner), await aKey(admin, { environment: 'base' })];
    expect((await listed(owner, 'client-keys')).map(({ id }) => id)).toEqual(expect.arrayContaining([mine.id]));
    expect(await seenBy(owner, wider.id, 'client-keys')).toBeUndefined();
    for (const body of [{ service: '*' }, { service: 'billing' }, { environment: 'base' }, { environment: 'staging' }, { service: 'nothing' }, { environment: 'nowhere' }]) {
      expect((await owner.post('/api/v1/client-keys', { name: 'x', ...TARGET, ...body })).json).toMatchObject({ status: 403, code: 'forbidden' });
    }
    for (const id of [wider.id, NOBODY]) {
      expect((await owner.request('DELETE', `/api/v1/client-keys/${id}`)).json).toMatchObject({ status: 404, code: 'credential_not_found' });
      expect((await owner.post(`/api/v1/client-keys/${id}/rotate`, {})).json).toMatchObject({ status: 404, code: 'credential_not_found' });
    }
    expect((await owner.request('DELETE', `/api/v1/client-keys/${mine.id}`)).status).toBe(204);
    expect(await status(mine.secret)).toBe(401);
  });
});

describe.each([
  ['token', 'tokens', (more?: object) => aToken(owner, [VIEWER], more)],
  ['client key', 'client-keys', (more?: object) => aKey(owner, more)],
])('given a %s that is rotated', (_name, kind, make) => {
  const rotate = (id: string, body: object = {}): Promise<Answer> => owner.post(`/api/v1/${kind}/${id}/rotate`, body);

  it('both secrets work on every replica until the overlap ends, and connections end with theirs', async () => {
    const { id, secret } = await make();
    const openers = Object.values(OPENERS);
    const old = await Promise.all(openers.flatMap((open) => [server.url, replica.url].map((url) => open(url, secret, TARGET))));
    const { json } = await rotate(id, { overlap: '1500ms' });
    expect(json).toMatchObject({ id, prefix: json.secret.slice(0, 8), rotatedAt: expect.any(String), previousSecret: { expiresAt: expect.any(String), lastUsedAt: null } });
    const renewed = await Promise.all(openers.map((open) => open(replica.url, json.secret, TARGET)));
    const gone: string[] = [];
    renewed.forEach(({ ended }) => void ended.then((code) => gone.push(code)));
    for (const url of [server.url, replica.url]) expect([await status(secret, url), await status(json.secret, url)]).toEqual([200, 200]);

    expect(await Promise.all(old.map(({ ended }) => ended))).toEqual(Array(6).fill('unauthenticated'));
    const late = Date.now() - Date.parse(json.previousSecret.expiresAt);
    expect(late).toBeGreaterThanOrEqual(0);
    expect(late).toBeLessThan(1_500);
    for (const url of [server.url, replica.url]) expect([await status(secret, url), await status(json.secret, url)]).toEqual([401, 200]);
    expect(gone).toEqual([]);
    expect(await seenBy(owner, id, kind)).not.toHaveProperty('previousSecret');
    renewed.forEach(({ close }) => close());
    await Promise.all(renewed.map(({ ended }) => ended));
  });

  it('without an overlap the old secret, and what it has opened, ends at once', async () => {
    const { id, secret } = await make();
    const connection = await openSocketIo(replica.url, secret, TARGET);
    const before = performance.now();
    const { json } = await rotate(id, { overlap: '0' });
    expect([await status(secret), await status(json.secret)]).toEqual([401, 200]);
    expect(await connection.ended).toBe('unauthenticated');
    expect(performance.now() - before).toBeLessThan(1_000);
    expect(json).not.toHaveProperty('previousSecret');
  });

  it('rotated again, the newest two work; revoked, none', async () => {
    const { id, secret } = await make();
    const second = (await rotate(id)).json.secret as string;
    const third = (await rotate(id, { overlap: '30d' })).json.secret as string;
    expect([await status(secret), await status(second), await status(third)]).toEqual([401, 200, 200]);
    await owner.must('DELETE', `/api/v1/${kind}/${id}`);
    expect([await status(second), await status(third)]).toEqual([401, 401]);
    await eventually(async () => expect([await status(second, replica.url), await status(third, replica.url)]).toEqual([401, 401]), { timeoutMs: 900 });
    expect((await rotate(id)).json).toMatchObject({ code: 'credential_not_found' });
  });

  it('the old secret never lasts longer than it would have, and the new one as long as it is given', async () => {
    const expiresAt = inMs(60_000);
    const { id } = await make({ expiresAt });
    expect((await rotate(id)).json).toMatchObject({ expiresAt, previousSecret: { expiresAt } });
    const later = inDays(90);
    expect((await rotate(id, { overlap: '1h', expiresAt: later })).json).toMatchObject({ expiresAt: later, previousSecret: { expiresAt } });
  });

  it.each([{ overlap: '31d' }, { overlap: 'P1D' }, { overlap: -1 }, { overlap: 60 }, { overlap: null }, { expiresAt: '2020-01-01T00:00:00Z' }, { days: 1 }])('it is not by %j', async (body) => {
    const { id, secret } = await make();
    expect((await rotate(id, body)).json).toMatchObject({ status: 400, code: 'malformed_request' });
    expect(await status(secret)).toBe(200);
  });

  it('the database holds no secret, and the audit says when the old one ends', async () => {
    const { id, secret } = await make();
    const { json } = await rotate(id);
    const rows = await query<{ text: string }>(`SELECT c::text || coalesce((SELECT string_agg(r::text, '') FROM audit_record r), '') AS text FROM credential c WHERE id = $1`, [id]);
    for (const one of [secret, json.secret as string]) expect(rows[0]?.text).not.toContain(one.slice(8));
    expect(await query(`SELECT subject->>'previousExpiresAt' AS at FROM audit_record WHERE subject->>'id' = $1 AND action LIKE '%.rotate'`, [id])).toEqual([{ at: json.previousSecret.expiresAt }]);
  });
});

describe('given who has been handed a secret', () => {
  it('is everybody who made or rotated the token, or a token that did', async () => {
    const [bob, mine] = [await aPerson(), await aPersonalToken(ada)];
    await admin.must('POST', '/api/v1/grants', { subject: { kind: 'person', id: bob.id }, ...OWNER });
    const makersOf = async (...ids: string[]): Promise<string[]> => [...(await server.app.get(Standing, { strict: false }).makersOf(database.dataSource.manager, ids))].sort();
    const byAda = await aToken(admin.as(mine.secret), [OWNER]);
    const byHers = await aToken(admin.as(byAda.secret), [VIEWER]);
    expect([await makersOf(byAda.id), await makersOf(byHers.id), await makersOf((await aToken(admin, [VIEWER])).id)]).toEqual([[adaId], [adaId], []]);
    for (const overlap of ['1h', '2h']) await bob.browser.must('POST', `/api/v1/tokens/${byAda.id}/rotate`, { overlap });
    expect([await makersOf(byAda.id), await makersOf(byHers.id)]).toEqual([[adaId, bob.id].sort(), [adaId, bob.id].sort()]);
    expect((await query<{ by: object[] }>('SELECT rotated_by AS by FROM credential WHERE id = $1', [byAda.id]))[0]?.by).toHaveLength(1);
  });
});

describe('given a token that rotates itself', () => {
  it('is given a new secret, and no longer life', async () => {
    const { id, secret } = await aToken(admin, [VIEWER], { expiresAt: inDays(1) });
    const self = admin.as(secret);
    expect((await self.post(`/api/v1/tokens/${id}/rotate`, { expiresAt: inDays(90) })).json).toMatchObject({ code: 'forbidden', pointer: '/expiresAt' });
    const { json } = await self.must('POST', `/api/v1/tokens/${id}/rotate`, { overlap: '0' });
    expect([await status(secret), await status(json.secret as string)]).toEqual([401, 200]);
  });
});

describe('given a secret that was replaced', () => {
  it('cannot be rotated into one that lasts', async () => {
    const { id, secret } = await aToken(admin, [OWNER]);
    const { json } = await admin.must('POST', `/api/v1/tokens/${id}/rotate`, { overlap: '1h' });
    const refused = await admin.as(secret).post(`/api/v1/tokens/${id}/rotate`, { overlap: '0' });
    expect([refused.status, refused.json.code]).toEqual([403, 'forbidden']);
    expect([await status(secret), await status(json.secret as string)]).toEqual([200, 200]);
  });
});

describe('given secrets in use', () => {
  const lastUse = (of: TestServer): LastUse => of.app.get(LastUse, { strict: false });
  const row = async (id: string): Promise<Record<string, unknown> | undefined> => (await query<Record<string, unknown>>('SELECT xmin::text, last_used_at, previous_used_at FROM credential WHERE id = $1', [id]))[0];

  it('when they were used is written in batches, not by requests, and once a minute by all replicas together', async () => {
    const [key, idle] = [await aKey(owner), await aKey(owner)];
    const unused = await row(key.id);
    const before = Date.now();
    for (let read = 0; read < 20; read += 1) expect([await status(key.secret), await status(key.secret, replica.url)]).toEqual([200, 200]);
    expect(await row(key.id)).toEqual(unused);

    await Promise.all([lastUse(server).flush(), lastUse(replica).flush()]);
    const written = await row(key.id);
    expect((written?.['last_used_at'] as Date).getTime()).toBeGreaterThanOrEqual(before);
    expect(await seenBy(owner, key.id, 'client-keys')).toMatchObject({ lastUsedAt: (written?.['last_used_at'] as Date).toISOString() });
    expect(await seenBy(owner, idle.id, 'client-keys')).toMatchObject({ lastUsedAt: null });

    for (const used of [server, replica]) {
      await status(key.secret, used.url);
      await lastUse(used).flush();
    }
    expect(await row(key.id)).toEqual(written);
    await query(`UPDATE credential SET last_used_at = last_used_at - interval '1 minute' WHERE id = $1`, [key.id]);
    await status(key.secret);
    await lastUse(server).flush();
    expect((await row(key.id))?.['last_used_at']).not.toEqual(new Date((written?.['last_used_at'] as Date).getTime() - 60_000));
  });

  it('it never goes back', async () => {
    const { id, secret } = await aKey(owner);
    await query(`UPDATE credential SET last_used_at = now() + interval '1 hour' WHERE id = $1`, [id]);
    const ahead = await row(id);
    await status(secret);
    await lastUse(server).flush();
    expect(await row(id)).toEqual(ahead);
  });

  it('which of two is still in use is told apart', async () => {
    const { id, secret } = await aKey(owner);
    const renewed = (await owner.must('POST', `/api/v1/client-keys/${id}/rotate`, {})).json.secret as string;
    await status(renewed);
    await lastUse(server).flush();
    expect(await seenBy(owner, id, 'client-keys')).toMatchObject({ lastUsedAt: expect.any(String), previousSecret: { lastUsedAt: null } });
    await status(secret);
    await lastUse(server).flush();
    expect(await seenBy(owner, id, 'client-keys')).toMatchObject({ previousSecret: { lastUsedAt: expect.any(String) } });
  });

  it('what could not be written is written later, as of when it was', async () => {
    const { id, secret } = await aKey(owner);
    await status(secret);
    const used = Date.now();
    await query('ALTER TABLE credential RENAME TO credential_away');
    await lastUse(server).flush();
    await query('ALTER TABLE credential_away RENAME TO credential');
    expect((await row(id))?.['last_used_at']).toBeNull();
    await lastUse(server).flush();
    expect(((await row(id))?.['last_used_at'] as Date).getTime()).toBeLessThanOrEqual(used);
  });
});

describe('given secrets as they were made before they had a checksum', () => {
  it('go on working', async () => {
    const { id } = await aToken(admin, [VIEWER]);
    const older = `tta_${randomBytes(32).toString('base64url')}`;
    await query('UPDATE credential SET secret_hash = $2 WHERE id = $1', [id, hashOf(older)]);
    expect(await status(older)).toBe(200);
  });
});
