import { randomBytes } from 'node:crypto';
import { ADMINISTRATION, Api, type Answer } from './support/api';
import { Browser } from './support/browser';
import { OPENERS, type Connection } from './support/connections';
import { createTestDatabase, type TestDatabase } from './support/database';
import { startServer, type TestServer } from './support/server';

interface Grant {
  readonly role: string;
  readonly services: string;
  readonly environment: string;
  readonly reveal?: boolean;
}
interface Created {
  readonly id: string;
  readonly secret: string;
}

const TARGET = { service: 'orders-eu', environment: 'production' };
const NOBODY = '00000000-0000-4000-8000-000000000000';
const PASSWORD = 'quiet lamp on the stair';

let database: TestDatabase;
let server: TestServer;
let replica: TestServer;
let admin: Api;
let callers: Record<Caller, Api>;

beforeAll(async () => {
  database = await createTestDatabase();
  server = await startServer({}, database);
  replica = await startServer({}, database);
  admin = new Api(server.url, server.token);
  await admin.given({ production: 'base', 'production-eu': 'production', staging: 'base' }, ['orders', 'orders-eu', 'billing']);
  await admin.putYaml('orders-eu@base', 'a: 1\n');
  const made = await Promise.all(Object.entries(HELD).map(async ([caller, grants]) => [caller, admin.as((await aToken(grants)).secret)] as const));
  callers = { admin, ...Object.fromEntries(made) } as Record<Caller, Api>;
});
afterAll(async () => {
  await server.close();
  await replica.close();
  await database.close();
});

const unique = (prefix: string): string => `${prefix}-${randomBytes(4).toString('hex')}`;
const grant = (role: string, services: string, environment: string, reveal?: boolean): Grant => ({ role, services, environment, ...(reveal === undefined ? {} : { reveal }) });

const HELD = {
  ownerOfAll: [grant('owner', '*', 'base')],
  owner: [grant('owner', 'orders-*', 'production')],
  revealingOwner: [grant('owner', 'orders-*', 'production', true)],
  elsewhereRevealing: [grant('owner', 'orders-*', 'production'), grant('viewer', 'orders-us', 'production', true)],
  publisher: [grant('publisher', '*', 'base')],
} as const;
type Caller = keyof typeof HELD | 'admin';
const OWNERS: readonly Caller[] = ['admin', 'ownerOfAll', 'owner', 'revealingOwner', 'elsewhereRevealing'];

async function aToken(grants: readonly Grant[], by: Api = admin): Promise<Created> {
  return (await by.must('POST', '/api/v1/tokens', { name: unique('token'), grants })).json as Created;
}
const toGroup = (given: Grant, name = unique('team')): object => ({ subject: { kind: 'group', name }, ...given });
const give = (api: Api, given: Grant, subject?: object): Promise<Answer> => api.post('/api/v1/grants', subject === undefined ? toGroup(given) : { subject, ...given });
const grants = async (): Promise<number> => (await database.dataSource.query<{ n: number }[]>('SELECT count(*)::int AS n FROM access_grant'))[0]!.n;

/** Each of everything that can be given, with all who may give it. */
const GIVEN: readonly (readonly [Grant, readonly Caller[]])[] = [
  ...['viewer', 'editor', 'publisher', 'approver', 'owner'].map((role) => [grant(role, 'orders-eu', 'production'), OWNERS] as const),
  [grant('owner', 'orders-*', 'production'), OWNERS],
  [grant('owner', 'orders-e*', 'production-eu'), OWNERS],
  // Wider services: the prefix without its hyphen, a shorter one, the name before the hyphen, all.
  [grant('viewer', 'orders*', 'production'), ['admin', 'ownerOfAll']],
  [grant('viewer', 'o*', 'production'), ['admin', 'ownerOfAll']],
  [grant('viewer', 'orders', 'production'), ['admin', 'ownerOfAll']],
  [grant('viewer', '*', 'production'), ['admin', 'ownerOfAll']],
  [grant('viewer', 'billing', 'production'), ['admin', 'ownerOfAll']],
  // Upwards, and beside.
  [grant('viewer', 'orders-eu', 'base'), ['admin', 'ownerOfAll']],
  [grant('viewer', 'orders-eu', 'staging'), ['admin', 'ownerOfAll']],
  [grant('owner', '*', 'base'), ['admin', 'ownerOfAll']],
  // Secrets.
  [grant('viewer', 'orders-eu', 'production', true), ['admin', 'revealingOwner']],
  [grant('viewer', 'orders-us', 'production-eu', true), ['admin', 'revealingOwner', 'elsewhereRevealing']],
  [grant('viewer', 'orders-*', 'production', true), ['admin', 'revealingOwner']],
  [grant('owner', '*', 'base', true), ['admin']],
  // Everything.
  [grant('admin', '*', 'base'), ['admin']],
  [grant('admin', '*', 'base', true), ['admin']],
];

describe('given what somebody has', () => {
  it.each(GIVEN)('%j is given and taken away by those who have as much, and by nobody else', async (given, may) => {
    const answers: string[] = [];
    for (const [caller, api] of Object.entries(callers)) {
      const { status, json } = await give(api, given);
      if (status === 201) {
        answers.push(caller);
        expect(json).toMatchObject({ reveal: false, ...given, subject: { kind: 'group' } });
        expect((await api.request('DELETE', `/api/v1/grants/${json.id}`)).status).toBe(204);
      } else {
        expect([status, json.code]).toEqual([403, 'forbidden']);
      }
    }
    expect(answers).toEqual(Object.keys(callers).filter((caller) => may.includes(caller as Caller)));
  });

  it.each(GIVEN)('a token with %j is made by the same, and by nobody else', async (given, may) => {
    const before = await grants();
    const answers: string[] = [];
    for (const [caller, api] of Object.entries(callers)) {
      // The first alone would be allowed to all owners: one that is not allowed spoils the whole token.
      const { status, json } = await api.post('/api/v1/tokens', { name: 'made', grants: [grant('viewer', 'orders-eu', 'production-eu'), given] });
      if (status === 201) {
        answers.push(caller);
        await admin.must('DELETE', `/api/v1/tokens/${json.id}`);
      } else {
        expect([status, json.code]).toEqual([403, 'forbidden']);
      }
    }
    expect(answers).toEqual(Object.keys(callers).filter((caller) => may.includes(caller as Caller)));
    expect(await grants()).toBe(before + 2 * answers.length);
  });

  it.each([
    [grant('admin', 'orders-eu', 'production'), '/role'],
    [grant('admin', '*', 'production'), '/role'],
    [grant('client', 'orders-eu', 'production'), '/role'],
    [grant('viewer', 'Orders-eu', 'production'), '/services'],
    [grant('viewer', 'orders-eu ', 'production'), '/services'],
    [grant('viewer', '*-eu', 'production'), '/services'],
    [grant('viewer', 'orders-**', 'production'), '/services'],
    [grant('viewer', 'orders%2deu', 'production'), '/services'],
    [grant('viewer', 'orders-eu', 'Production'), '/environment'],
    [grant('viewer', 'orders-eu', '*'), '/environment'],
  ])('there is no such grant as %j', async (given, pointer) => {
    expect((await give(admin, given)).json).toMatchObject({ status: 400, code: 'malformed_request', pointer });
  });

  it('whether an environment exists is told only to who may grant in all of them', async () => {
    expect((await give(callers.owner, grant('viewer', 'orders-eu', 'nowhere'))).json).toMatchObject({ status: 403, code: 'forbidden' });
    expect((await give(callers.ownerOfAll, grant('viewer', 'orders-eu', 'nowhere'))).json).toMatchObject({ code: 'environment_not_found', pointer: '/environment' });
  });

  it('nobody gets further by granting to themselves, to what is stronger, or to a personal token', async () => {
    const own = await aToken([grant('owner', 'orders-*', 'production')]);
    const api = admin.as(own.secret);
    const self = { kind: 'token', id: own.id };
    expect((await give(api, grant('viewer', 'billing', 'production'), self)).json).toMatchObject({ code: 'forbidden' });
    expect((await give(api, grant('owner', 'orders-*', 'base'), self)).json).toMatchObject({ code: 'forbidden' });
    expect((await give(api, grant('publisher', 'orders-eu', 'production'), self)).status).toBe(201);

    const stronger = await aToken([grant('viewer', 'billing', 'base')]);
    const personal = await aPerson();
    const limited = (await personal.browser.must('POST', '/api/v1/tokens', { name: 'mine', personal: true, expiresAt: inDays(1) })).json as Created;
    const unknown = await give(api, grant('viewer', 'orders-eu', 'production'), { kind: 'token', id: NOBODY });
    expect(unknown.json).toMatchObject({ status: 404, code: 'credential_not_found' });
    for (const { id } of [stronger, limited]) {
      const { json } = await give(api, grant('viewer', 'orders-eu', 'production'), { kind: 'token', id });
      expect({ ...json, requestId: undefined }).toEqual({ ...unknown.json, requestId: undefined, detail: unknown.json.detail.replace(NOBODY, id) });
    }
    // To an administrator the service token is there; what a personal one is limited to is nobody's but its person's.
    expect((await give(admin, grant('viewer', 'orders-eu', 'production'), { kind: 'token', id: stronger.id })).status).toBe(201);
    expect((await give(admin, grant('viewer', 'orders-eu', 'production'), { kind: 'token', id: limited.id })).json).toMatchObject({ code: 'credential_not_found' });
  });

  it('a person is named by id or login, a group by its name, and each by nothing else', async () => {
    const { id, login } = await aPerson();
    const given = grant('viewer', 'orders-eu', 'production');
    expect((await give(admin, given, { kind: 'person', login: login.toUpperCase() })).json).toMatchObject({ subject: { kind: 'person', id, name: 'Ada' } });
    expect((await give(admin, given, { kind: 'person', id })).json).toMatchObject({ code: 'grant_exists' });
    expect((await give(admin, given, { kind: 'person', login: 'nobody' })).json).toMatchObject({ code: 'person_not_found', pointer: '/subject/login' });
    for (const subject of [{ kind: 'person' }, { kind: 'person', id, login }, { kind: 'group', id }, { kind: 'group', name: ' padded ' }, { kind: 'token', name: 'x' }, { kind: 'everybody' }, 'orders', null]) {
      expect((await admin.post('/api/v1/grants', { subject, ...given })).json).toMatchObject({ status: 400, code: 'malformed_request' });
    }
  });
});

describe('given grants of several people', () => {
  let inside: Answer;
  let outside: Answer;
  const team = unique('team');

  beforeAll(async () => {
    inside = await give(admin, grant('editor', 'orders-us', 'production'), { kind: 'group', name: team });
    outside = await give(admin, grant('editor', 'billing', 'production'), { kind: 'group', name: team });
    await give(admin, grant('approver', 'o*', 'base'), { kind: 'group', name: team });
  });

  const ids = async (api: Api, query: string): Promise<string[]> => {
    const all: string[] = [];
    for (let cursor = ''; ; ) {
      const { json } = await api.must('GET', `/api/v1/grants?limit=1&${query}${cursor === '' ? '' : `&cursor=${cursor}`}`);
      all.push(...(json.items as { id: string }[]).map(({ id }) => id));
      if (json.nextCursor === undefined) return all;
      cursor = json.nextCursor as string;
    }
  };

  it('a list shows those where the caller may grant, page by page, and no trace of others', async () => {
    const mine = await ids(callers.owner, `subject=${team}`);
    expect(mine).toEqual([inside.json.id]);
    expect((await callers.owner.get(`/api/v1/grants?subject=${team}`)).json).toEqual({ items: [inside.json] });
    expect(await ids(admin, `subject=${team}`)).toHaveLength(3);
    expect((await callers.publisher.get('/api/v1/grants')).json).toMatchObject({ code: 'forbidden' });
    const everything = (await callers.owner.must('GET', '/api/v1/grants?limit=200')).text;
    for (const hidden of ['"*"', 'billing', '"base"', '"admin"']) expect(everything).not.toContain(hidden);
  });

  it('a filter finds those that cover a service and an environment, and of a role', async () => {
    const found = async (query: string): Promise<string[]> => (await admin.must('GET', `/api/v1/grants?subject=${team}&${query}`)).json.items.map(({ services }: Grant) => services);
    expect(await found('subjectKind=group')).toEqual(['billing', 'o*', 'orders-us']);
    expect(await found('subjectKind=person')).toEqual([]);
    expect(await found('service=orders-us')).toEqual(['o*', 'orders-us']);
    expect(await found('service=orders')).toEqual(['o*']);
    expect(await found('environment=production-eu')).toEqual(['billing', 'o*', 'orders-us']);
    expect(await found('environment=staging')).toEqual(['o*']);
    expect(await found('environment=nowhere')).toEqual([]);
    expect(await found('role=editor&service=billing')).toEqual(['billing']);
  });

  it('one that lies outside does not exist; one that is seen and too strong is refused', async () => {
    const unknown = await callers.owner.request('DELETE', `/api/v1/grants/${NOBODY}`);
    const hidden = await callers.owner.request('DELETE', `/api/v1/grants/${outside.json.id}`);
    expect([unknown.status, unknown.json.code]).toEqual([404, 'grant_not_found']);
    expect({ ...hidden.json, requestId: undefined }).toEqual({ ...unknown.json, requestId: undefined, detail: unknown.json.detail.replace(NOBODY, outside.json.id) });

    const administration = (await give(admin, grant('admin', '*', 'base'))).json;
    const revealing = (await give(admin, grant('viewer', 'orders-eu', 'production', true))).json;
    expect((await callers.ownerOfAll.request('DELETE', `/api/v1/grants/${administration.id}`)).json).toMatchObject({ status: 403, code: 'forbidden' });
    expect((await callers.owner.request('DELETE', `/api/v1/grants/${revealing.id}`)).json).toMatchObject({ status: 403, code: 'forbidden' });
    for (const { id } of [administration, revealing]) await admin.must('DELETE', `/api/v1/grants/${id}`);
    expect((await admin.request('DELETE', `/api/v1/grants/${revealing.id}`)).json).toMatchObject({ code: 'grant_not_found' });
  });

  it('each is recorded with who gave it, to whom, what and where', async () => {
    const { id, subject } = (await give(callers.owner, grant('viewer', 'orders-eu', 'production'))).json;
    await callers.owner.must('DELETE', `/api/v1/grants/${id}`);
    const records = await database.dataSource.query<{ action: string; subject: object; actor: object }[]>(`SELECT action, subject, actor FROM audit_record WHERE subject->>'id' = $1 ORDER BY id`, [id]);
    const recorded = { id, to: subject, ...grant('viewer', 'orders-eu', 'production', false), service: 'orders-eu' };
    expect(records).toEqual([
      { action: 'grant.create', subject: recorded, actor: expect.objectContaining({ kind: 'token' }) },
      { action: 'grant.delete', subject: recorded, actor: expect.objectContaining({ kind: 'token' }) },
    ]);
  });

  it('each holds, and is gone, with the answer', async () => {
    const { id, secret } = await aToken([grant('viewer', 'billing', 'staging')]);
    const holder = admin.as(secret);
    const read = async (): Promise<number> => (await holder.get('/api/v1/services/orders-eu/environments/production')).status;
    for (let round = 0; round < 5; round += 1) {
      const given = (await give(admin, grant('viewer', 'orders-*', 'base'), { kind: 'token', id })).json as Created;
      expect(await read()).toBe(200);
      await admin.must('DELETE', `/api/v1/grants/${given.id}`);
      expect(await read()).toBe(403);
    }
  });
});

const inDays = (days: number): string => new Date(Date.now() + days * 86_400_000).toISOString();

async function aPerson(): Promise<{ id: string; login: string; browser: Browser }> {
  const login = unique('ada');
  const { json } = await admin.must('POST', '/api/v1/people', { login, name: 'Ada' });
  const browser = new Browser(server.url);
  await browser.must('POST', '/api/v1/links', { secret: json.link.secret, password: PASSWORD });
  return { id: json.id as string, login, browser };
}

async function personalToken(browser: Browser): Promise<string> {
  return (await browser.must('POST', '/api/v1/tokens', { name: 'mine', personal: true, expiresAt: inDays(1) })).json.secret as string;
}

/** What lets somebody read, and what ends that. */
const ENDS: Readonly<Record<string, () => Promise<{ secret: string; end: () => Promise<unknown> }>>> = {
  'a grant of a token is taken away': async () => {
    const { id, secret } = await aToken([grant('viewer', 'billing', 'base')]);
    const given = (await give(admin, grant('viewer', 'orders-eu', 'production'), { kind: 'token', id })).json as Created;
    return { secret, end: () => admin.must('DELETE', `/api/v1/grants/${given.id}`) };
  },
  'a token is revoked': async () => {
    const { id, secret } = await aToken([grant('viewer', 'orders-eu', 'production')]);
    return { secret, end: () => admin.must('DELETE', `/api/v1/tokens/${id}`) };
  },
  'a client key is revoked': async () => {
    const { id, secret } = (await callers.owner.must('POST', '/api/v1/client-keys', { name: 'key', ...TARGET })).json as Created;
    return { secret, end: () => callers.owner.must('DELETE', `/api/v1/client-keys/${id}`) };
  },
  'a grant of a person is taken away': async () => {
    const { id, browser } = await aPerson();
    const given = (await give(admin, grant('viewer', 'orders-eu', 'production'), { kind: 'person', id })).json as Created;
    return { secret: await personalToken(browser), end: () => admin.must('DELETE', `/api/v1/grants/${given.id}`) };
  },
  'a person is disabled': async () => {
    const { id, browser } = await aPerson();
    await give(admin, grant('viewer', 'orders-eu', 'production'), { kind: 'person', id });
    return { secret: await personalToken(browser), end: () => admin.must('PATCH', `/api/v1/people/${id}`, { disabled: true }) };
  },
  'a person leaves the group that may': async () => {
    const [{ id, browser }, name] = [await aPerson(), unique('team')];
    await give(admin, grant('viewer', 'orders-eu', 'production'), { kind: 'group', name });
    await admin.must('PUT', `/api/v1/groups/${name}/members/${id}`);
    return { secret: await personalToken(browser), end: () => admin.must('DELETE', `/api/v1/groups/${name}/members/${id}`) };
  },
};

describe.each(Object.entries(ENDS))('given open connections, when %s', (_name, prepare) => {
  it('they end within a second on every replica, and no other does', async () => {
    const { secret, end } = await prepare();
    const other = (await aToken([grant('viewer', 'orders-eu', 'production')])).secret;
    const everywhere = (key: string): Promise<Connection[]> =>
      Promise.all(Object.values(OPENERS).flatMap((open) => [server.url, replica.url].map((url) => open(url, key, TARGET))));
    const [ending, staying] = [await everywhere(secret), await everywhere(other)];
    const ended: string[] = [];
    staying.forEach(({ ended: over }) => void over.then((code) => ended.push(code)));

    const before = performance.now();
    await end();
    expect(await Promise.all(ending.map(({ ended: over }) => over))).toEqual(Array(6).fill('unauthenticated'));
    expect(performance.now() - before).toBeLessThan(1_000);
    expect(ended).toEqual([]);
    for (const url of [server.url, replica.url]) expect((await new Api(url, secret).get('/v1/config/production/orders-eu')).status).toBeGreaterThanOrEqual(401);
    staying.forEach(({ close }) => close());
    await Promise.all(staying.map(({ ended: over }) => over));
  });
});

describe('given a database of its own', () => {
  it('the last administrator stays, whatever goes at the same moment', async () => {
    const alone = await startServer();
    try {
      const first = new Api(alone.url, alone.token);
      const grantOf = async (subject: string): Promise<string> => (await first.must('GET', `/api/v1/grants?role=admin&subject=${subject}`)).json.items[0].id as string;
      const [{ id }] = (await first.must('GET', '/api/v1/tokens')).json.items as [{ id: string }];
      expect((await first.request('DELETE', `/api/v1/grants/${await grantOf(id)}`)).json).toMatchObject({ status: 409, code: 'last_administrator' });
      expect((await first.request('DELETE', `/api/v1/tokens/${id}`)).json).toMatchObject({ status: 409, code: 'last_administrator' });
      // None of these is an administrator: a token that has ended, a person who cannot sign in, a group without members.
      await first.must('POST', '/api/v1/tokens', { name: 'ends', grants: ADMINISTRATION, expiresAt: inDays(1) });
      await alone.database.dataSource.query(`UPDATE credential SET expires_at = now() - interval '1 s' WHERE name = 'ends'`);
      const invited = (await first.must('POST', '/api/v1/people', { login: 'grace', name: 'Grace' })).json as { id: string; link: { secret: string } };
      await first.must('POST', '/api/v1/grants', { subject: { kind: 'person', id: invited.id }, ...ADMINISTRATION[0] });
      const team = (await first.must('POST', '/api/v1/grants', { subject: { kind: 'group', name: 'administrators' }, ...ADMINISTRATION[0] })).json as Created;
      expect((await first.request('DELETE', `/api/v1/tokens/${id}`)).json).toMatchObject({ code: 'last_administrator' });
      await first.must('DELETE', `/api/v1/grants/${await grantOf(invited.id)}`);

      for (let round = 0; round < 5; round += 1) {
        const second = (await first.must('POST', '/api/v1/tokens', { name: 'second', grants: ADMINISTRATION })).json as Created;
        const given = await grantOf(second.id);
        // Each by itself, so that only they stand in each other's way.
        const answers = await Promise.all([first.request('DELETE', `/api/v1/grants/${await grantOf(id)}`), first.as(second.secret).request('DELETE', `/api/v1/${round % 2 === 0 ? `grants/${given}` : `tokens/${second.id}`}`)]);
        expect(answers.map(({ status }) => status).sort()).toEqual([204, 409]);
        const left = answers[0]?.status === 204 ? first.as(second.secret) : first;
        if (left !== first) await left.must('POST', '/api/v1/grants', { subject: { kind: 'token', id }, ...ADMINISTRATION[0] });
        await first.request('DELETE', `/api/v1/tokens/${second.id}`);
      }

      // Now somebody is, by way of the group.
      await new Browser(alone.url).must('POST', '/api/v1/links', { secret: invited.link.secret, password: PASSWORD });
      await first.must('PUT', `/api/v1/groups/administrators/members/${invited.id}`);
      const answers = await Promise.all([first.request('DELETE', `/api/v1/grants/${await grantOf(id)}`), first.request('DELETE', `/api/v1/grants/${team.id}`)]);
      expect(answers.map(({ status }) => status).filter((status) => status === 204)).toHaveLength(1);
    } finally {
      await alone.close();
    }
  });
});
