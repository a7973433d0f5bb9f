import { randomBytes } from 'node:crypto';
import { hashOf, newSecret } from '../src/access/secret';
import { offerSetUp } from '../src/people/first-administrator';
import { announce } from '../src/notify/announce';
import { Api } from './support/api';
import { Browser } from './support/browser';
import { createTestDatabase, type TestDatabase } from './support/database';
import { eventually } from './support/eventually';
import { startServer, type TestServer } from './support/server';

const PASSWORD = 'quiet lamp on the stair';
const NOBODY = '00000000-0000-4000-8000-000000000000';

let database: TestDatabase;
let server: TestServer;
let replica: TestServer;
let admin: Api;

beforeAll(async () => {
  database = await createTestDatabase();
  server = await startServer({ publicUrl: 'https://trimtab.example' }, database);
  replica = await startServer({ publicUrl: 'https://trimtab.example' }, database);
  admin = new Api(server.url, server.token);
});
afterAll(async () => {
  await server.close();
  await replica.close();
  await database.close();
});

const unique = (): string => `p${randomBytes(4).toString('hex')}`;
const query = <Row>(text: string, values: unknown[] = []): Promise<Row[]> => database.dataSource.query<Row[]>(text, values);

interface Invited {
  readonly id: string;
  readonly login: string;
  readonly secret: string;
}

async function invited(): Promise<Invited> {
  const login = unique();
  const { json } = await admin.must('POST', '/api/v1/people', { login, name: `Person ${login}` });
  return { id: json.id, login, secret: json.link.secret };
}

async function signedIn(): Promise<Invited & { browser: Browser }> {
  const person = await invited();
  const browser = new Browser(server.url);
  await browser.must('POST', '/api/v1/links', { secret: person.secret, password: PASSWORD });
  return { ...person, browser };
}

async function grant(kind: 'person' | 'group', subject: string, role: string, services = '*', environment = 'base'): Promise<void> {
  await query(
    `INSERT INTO access_grant (id, subject_kind, subject, role, services, environment_id, created_by)
     SELECT gen_random_uuid(), $1, $2, $3, $4, id, '{}' FROM environment WHERE name = $5`,
    [kind, subject, role, services, environment],
  );
  await database.dataSource.transaction((manager) => announce(manager, 'access'));
}

const audited = async (action: string, id: string): Promise<Record<string, unknown>[]> =>
  (await query<{ subject: Record<string, unknown> }>(`SELECT subject FROM audit_record WHERE action = $1 AND subject->>'id' = $2`, [action, id])).map(({ subject }) => subject);

describe('given a fresh database', () => {
  it('holds no account, no password, no credential and no link', async () => {
    const fresh = await createTestDatabase();
    try {
      for (const table of ['person', 'person_password', 'person_identity', 'person_link', 'credential', 'session', 'access_grant', 'group_member', 'known_device']) {
        expect([table, await fresh.dataSource.query(`SELECT count(*)::int AS rows FROM ${table}`)]).toEqual([table, [{ rows: 0 }]]);
      }
      expect(await fresh.dataSource.query('SELECT secret_hash, expires_at, closed_at FROM setup_link')).toEqual([{ secret_hash: null, expires_at: null, closed_at: null }]);
    } finally {
      await fresh.close();
    }
  });
});

describe('given an invitation', () => {
  it('lets the person set a password, once, and signs them in to nothing at all', async () => {
    const { id, login, secret } = await invited();
    const browser = new Browser(server.url);
    const { json, status } = await browser.post('/api/v1/links', { secret, password: PASSWORD });
    expect(status).toBe(201);
    expect(json).toMatchObject({ kind: 'session', person: { id, name: `Person ${login}` }, groups: [], grants: [] });
    expect((await browser.get('/api/v1/session')).json).toEqual(json);
    expect((await browser.get('/api/v1/services')).json).toMatchObject({ code: 'forbidden' });
    expect((await browser.get('/api/v1/people')).json).toMatchObject({ code: 'forbidden' });
    expect((await new Browser(server.url).post('/api/v1/links', { secret, password: PASSWORD })).json).toMatchObject({ code: 'link_not_found' });
    expect(await audited('person.password', id)).toMatchObject([{ by: 'invitation' }]);
  });

  it('names the address people use, with the secret where no log sees it', async () => {
    const { json } = await admin.must('POST', '/api/v1/people', { login: unique(), name: 'Ada' });
    expect(json.link).toMatchObject({ purpose: 'invitation', url: `https://trimtab.example/#invitation=${json.link.secret}` });
    const [stored] = await query<object>('SELECT * FROM person_link WHERE person_id = $1', [json.id]);
    expect(JSON.stringify(stored)).not.toContain(json.link.secret.slice(4));
  });

  it('is used by one of several who try at once', async () => {
    const { secret } = await invited();
    const answers = await Promise.all([server, replica, server, replica].map(({ url }) => new Browser(url).post('/api/v1/links', { secret, password: PASSWORD })));
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 404, 404, 404]);
  });

  it.each([
    ['is expired', `UPDATE person_link SET expires_at = now() - interval '1 second' WHERE person_id = $1`],
    ['was made for somebody who is disabled by now', 'UPDATE person SET disabled_at = now() WHERE id = $1'],
  ])('is refused when it %s', async (_name, statement) => {
    const { id, secret } = await invited();
    await query(statement, [id]);
    expect((await new Browser(server.url).post('/api/v1/links', { secret, password: PASSWORD })).json).toMatchObject({ code: 'link_not_found' });
  });

  it('is refused when a newer one was made', async () => {
    const { id, secret } = await invited();
    const { json } = await admin.must('POST', `/api/v1/people/${id}/links`);
    expect(json.purpose).toBe('invitation');
    expect((await new Browser(server.url).post('/api/v1/links', { secret, password: PASSWORD })).json).toMatchObject({ code: 'link_not_found' });
    await new Browser(server.url).must('POST', '/api/v1/links', { secret: json.secret, password: PASSWORD });
  });

  it('takes no password that is easy to guess, and stays open', async () => {
    const { login, secret } = await invited();
    const use = (password: string) => new Browser(server.url).post('/api/v1/links', { secret, password });
    for (const password of ['short', 'passwordpassword', `${login}${login}`]) expect((await use(password)).json).toMatchObject({ code: 'password_unsuitable', pointer: '/password' });
    expect((await use(PASSWORD)).status).toBe(201);
  });
});

describe('given a reset link', () => {
  it('ends every session, and the old password', async () => {
    const { id, login, browser } = await signedIn();
    const { json } = await admin.must('POST', `/api/v1/people/${id}/links`);
    expect(json).toMatchObject({ purpose: 'reset', url: expect.stringContaining('/#reset=') });
    // Until it is used, nothing changes: who did not ask for it is not locked out.
    await browser.must('GET', '/api/v1/session');
    await new Browser(server.url).must('POST', '/api/v1/links', { secret: json.secret, password: 'another lamp on the stair' });
    expect((await browser.get('/api/v1/session')).json).toMatchObject({ code: 'unauthenticated' });
    expect((await new Browser(server.url).post('/api/v1/session', { login, password: PASSWORD })).json).toMatchObject({ code: 'sign_in_failed' });
    await new Browser(server.url).must('POST', '/api/v1/session', { login: login.toUpperCase(), password: 'another lamp on the stair' });
  });
});

describe('given logins', () => {
  it('knows each in one spelling', async () => {
    const login = unique();
    await admin.must('POST', '/api/v1/people', { login: login.toUpperCase(), name: 'Ada' });
    expect((await admin.post('/api/v1/people', { login, name: 'Another' })).json).toMatchObject({ code: 'name_taken', pointer: '/login' });
    for (const alike of [`${login}\u200b`, login.replace('p', 'р'), ` ${login}`]) expect((await admin.post('/api/v1/people', { login: alike, name: 'Alike' })).status).toBe(400);
    const { json } = await admin.must('GET', `/api/v1/people?q=${login.toUpperCase()}`);
    expect(json.items).toMatchObject([{ login, password: false, oidc: false, groups: [] }]);
  });

  it('can be changed, and lead to who has them now', async () => {
    const { id, login, browser } = await signedIn();
    const { json } = await admin.must('PATCH', `/api/v1/people/${id}`, { login: `${login}.new`, name: 'Married' });
    expect(json).toMatchObject({ login: `${login}.new`, name: 'Married' });
    expect((await new Browser(server.url).post('/api/v1/session', { login, password: PASSWORD })).status).toBe(401);
    expect((await new Browser(server.url).must('POST', '/api/v1/session', { login: `${login}.new`, password: PASSWORD })).json.person.name).toBe('Married');
    expect((await browser.must('GET', '/api/v1/session')).json.person.name).toBe('Married');
    expect(await query(`SELECT DISTINCT name FROM credential WHERE person_id = $1`, [id])).toEqual([{ name: 'Married' }]);
    expect((await admin.request('PATCH', `/api/v1/people/${id}`, { login: (await invited()).login })).json).toMatchObject({ code: 'name_taken' });
  });
});

describe('given somebody who is disabled', () => {
  it('loses every session and personal token, on every replica, for ever', async () => {
    const { id, login, browser } = await signedIn();
    const elsewhere = new Browser(replica.url);
    await elsewhere.must('POST', '/api/v1/session', { login, password: PASSWORD });
    await query(`INSERT INTO credential (id, kind, name, prefix, secret_hash, person_id) VALUES (gen_random_uuid(), 'token', 'mine', 'ttp_', sha256($1::bytea), $2)`, [login, id]);
    const { json } = await admin.must('PATCH', `/api/v1/people/${id}`, { disabled: true });
    expect(json.disabledAt).toBeTruthy();
    expect((await browser.get('/api/v1/session')).status).toBe(401);
    await eventually(async () => expect((await elsewhere.get('/api/v1/session')).status).toBe(401), { timeoutMs: 1_000 });
    expect((await new Browser(server.url).post('/api/v1/session', { login, password: PASSWORD })).json).toMatchObject({ code: 'sign_in_failed' });
    expect((await admin.must('GET', '/api/v1/people')).text).not.toContain(id);
    expect((await admin.post(`/api/v1/people/${id}/links`)).json).toMatchObject({ code: 'cannot_sign_in' });

    await admin.must('PATCH', `/api/v1/people/${id}`, { disabled: false });
    expect((await browser.get('/api/v1/session')).status).toBe(401);
    expect(await query('SELECT FROM credential WHERE person_id = $1 AND revoked_at IS NULL', [id])).toEqual([]);
    await new Browser(server.url).must('POST', '/api/v1/session', { login, password: PASSWORD });
    expect([await audited('person.disable', id), await audited('person.enable', id)]).toMatchObject([[{ id }], [{ id }]]);
  });

  it('is never the last who may administer, nor are two of them at once', async () => {
    const [one, other] = [await signedIn(), await signedIn()];
    const group = unique();
    await grant('person', one.id, 'admin');
    await grant('group', group, 'admin');
    await admin.must('PUT', `/api/v1/groups/${group}/members/${other.id}`);
    for (const { browser } of [one, other]) await browser.must('DELETE', '/api/v1/sessions');
    // May do it, and does not count: nobody could sign in as this person.
    const { id: acting } = await invited();
    await grant('person', acting, 'admin');
    const secret = newSecret('personal-token');
    await query(`INSERT INTO credential (id, kind, name, prefix, secret_hash, person_id) VALUES (gen_random_uuid(), 'token', 'acting', 'ttp_', $1, $2)`, [hashOf(secret), acting]);
    const disable = ({ id }: Invited) => new Api(server.url, secret).request('PATCH', `/api/v1/people/${id}`, { disabled: true });
    await query(`UPDATE access_grant SET subject = 'nobody: ' || subject WHERE subject_kind = 'token'`);
    try {
      const answers = await Promise.all([disable(one), disable(other)]);
      expect(answers.map(({ status }) => status).sort()).toEqual([200, 409]);
      expect(answers.find(({ status }) => status === 409)!.json).toMatchObject({ code: 'last_administrator' });
      expect(await query('SELECT id FROM person WHERE id = ANY($1) AND disabled_at IS NULL', [[one.id, other.id]])).toHaveLength(1);
    } finally {
      await query(`UPDATE access_grant SET subject = replace(subject, 'nobody: ', '') WHERE subject_kind = 'token'`);
      await query('UPDATE person SET disabled_at = now() WHERE id = $1', [acting]);
      await database.dataSource.transaction((manager) => announce(manager, 'access'));
      await eventually(async () => expect((await admin.get('/api/v1/people')).status).toBe(200));
    }
  });
});

describe('given a group', () => {
  it('gives its members what it is granted, at once, and takes it away again', async () => {
    const { id, browser } = await signedIn();
    const group = `Team / ${unique()} ä`;
    const path = `/api/v1/groups/${encodeURIComponent(group)}/members`;
    await grant('group', group, 'viewer');
    expect((await browser.get('/api/v1/services')).status).toBe(403);
    await admin.must('PUT', `${path}/${id}`);
    await admin.must('PUT', `${path}/${id}`);
    await eventually(async () => expect((await browser.get('/api/v1/services')).status).toBe(200), { timeoutMs: 1_000 });
    expect((await browser.must('GET', '/api/v1/session')).json).toMatchObject({ groups: [group], grants: [{ role: 'viewer', services: '*', environment: 'base', reveal: false }] });
    expect((await admin.must('GET', path)).json.items).toEqual([{ id, name: expect.any(String), sources: ['local'] }]);
    expect((await admin.must('GET', '/api/v1/groups')).json.items).toContainEqual({ name: group, members: 1 });
    await admin.must('DELETE', `${path}/${id}`);
    await admin.must('DELETE', `${path}/${id}`);
    await eventually(async () => expect((await browser.get('/api/v1/services')).status).toBe(403), { timeoutMs: 1_000 });
    expect((await admin.get(`/api/v1/groups/${encodeURIComponent(group)}/members`)).json.items).toEqual([]);
    expect((await admin.request('PUT', `${path}/${NOBODY}`)).json).toMatchObject({ code: 'person_not_found' });
  });
});

describe('given the first start', () => {
  const setUp = (secret: string, url = server.url, login = unique()) => new Browser(url).post('/api/v1/setup', { secret, login, name: 'Ada', password: PASSWORD });

  // As if nobody had ever been an administrator: another database and another server would take seconds.
  beforeEach(async () => {
    await query(`DELETE FROM access_grant WHERE subject_kind <> 'token'`);
    await query('UPDATE setup_link SET closed_at = NULL');
    await query('DELETE FROM attempt');
  });

  it('makes one administrator, once, whoever else tries at the same time', async () => {
    const secret = (await offerSetUp(database.dataSource))!;
    const answers = await Promise.all([server, replica, server].map(({ url }) => setUp(secret, url)));
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 404, 404]);
    const [made] = answers.filter(({ status }) => status === 201);
    expect(made!.json).toMatchObject({ kind: 'session', grants: [{ role: 'admin', services: '*', environment: 'base' }] });
    const browser = new Browser(replica.url);
    const { login } = (await query<{ login: string }>('SELECT login FROM person WHERE id = $1', [made!.json.person.id]))[0]!;
    await browser.must('POST', '/api/v1/session', { login, password: PASSWORD });
    await browser.must('POST', '/api/v1/services', { name: unique() });
  });

  it('offers one secret: that of the last of several starts', async () => {
    const secrets = await Promise.all([1, 2, 3].map(() => offerSetUp(database.dataSource)));
    const last = (await offerSetUp(database.dataSource))!;
    for (const secret of [...secrets, 'ttl_none', '']) expect((await setUp(secret ?? '', server.url)).status).toBe(secret === '' ? 400 : 404);
    expect((await setUp(last, server.url)).status).toBe(201);
  });

  it('is over an hour later', async () => {
    const secret = (await offerSetUp(database.dataSource))!;
    await database.dataSource.query(`UPDATE setup_link SET expires_at = expires_at - interval '1 hour'`);
    expect((await setUp(secret, server.url)).json).toMatchObject({ code: 'link_not_found' });
  });

  it('takes no bad password, and no login that is taken, and stays open', async () => {
    const secret = (await offerSetUp(database.dataSource))!;
    expect((await new Browser(server.url).post('/api/v1/setup', { secret, login: unique(), name: 'Adaada', password: 'adaadaadaadaada' })).json).toMatchObject({ code: 'password_unsuitable' });
    expect((await new Browser(server.url).post('/api/v1/setup', { secret, login: 'аda', name: 'Ada', password: PASSWORD })).json).toMatchObject({ code: 'malformed_request', pointer: '/login' });
    expect((await setUp(secret, server.url)).status).toBe(201);
  });

  it('never becomes a door later: not when the administrator is disabled, and not when the grant is gone', async () => {
    const secret = (await offerSetUp(database.dataSource))!;
    const { json } = await admin.must('POST', '/api/v1/people', { login: unique(), name: 'Ada' });
    await database.dataSource.query(
      `INSERT INTO access_grant (id, subject_kind, subject, role, services, environment_id, created_by) SELECT gen_random_uuid(), 'person', $1, 'admin', '*', id, '{}' FROM environment WHERE parent_id IS NULL`,
      [json.id],
    );
    expect((await setUp(secret, server.url)).json).toMatchObject({ code: 'link_not_found' });
    await admin.must('PATCH', `/api/v1/people/${json.id}`, { disabled: true });
    await database.dataSource.query(`DELETE FROM access_grant WHERE subject_kind = 'person'`);
    expect(await offerSetUp(database.dataSource)).toBeUndefined();
  });

  it('is over when the members of a group are administrators', async () => {
    await database.dataSource.query(`INSERT INTO access_grant (id, subject_kind, subject, role, services, environment_id, created_by) SELECT gen_random_uuid(), 'group', 'ops', 'admin', '*', id, '{}' FROM environment WHERE parent_id IS NULL`);
    const secret = (await offerSetUp(database.dataSource))!;
    const { json } = await admin.must('POST', '/api/v1/people', { login: unique(), name: 'Ada' });
    await admin.must('PUT', `/api/v1/groups/ops/members/${json.id}`);
    expect((await setUp(secret, server.url)).status).toBe(404);
    expect(await offerSetUp(database.dataSource)).toBeUndefined();
  });
});
