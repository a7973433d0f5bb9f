import { randomBytes } from 'node:crypto';
import { Authenticator } from '../src/access/authenticator';
import { announce } from '../src/notify/announce';
import { Api, type Answer } from './support/api';
import { Browser } from './support/browser';
import { createTestDatabase, type TestDatabase } from './support/database';
import { eventually } from './support/eventually';
import { startServer, type TestServer } from './support/server';

const PASSWORD = 'quiet lamp on the stair';
const COOKIE = 'trimtab-session';

let database: TestDatabase;
let server: TestServer;
let replica: TestServer;
let admin: Api;

beforeAll(async () => {
  database = await createTestDatabase();
  // Every test comes from an address of its own.
  const overrides = { http: { trustedProxies: ['127.0.0.1'] } };
  server = await startServer(overrides, database);
  replica = await startServer(overrides, database);
  admin = new Api(server.url, server.token);
});
afterAll(async () => {
  await server.close();
  await replica.close();
  await database.close();
});

const query = <Row>(text: string, values: unknown[] = []): Promise<Row[]> => database.dataSource.query<Row[]>(text, values);

interface Person {
  readonly id: string;
  readonly login: string;
  readonly browser: Browser;
}

async function aPerson(): Promise<Person> {
  const login = `p${randomBytes(4).toString('hex')}`;
  const { json } = await admin.must('POST', '/api/v1/people', { login, name: 'Ada' });
  const browser = new Browser(server.url);
  await browser.must('POST', '/api/v1/links', { secret: json.link.secret, password: PASSWORD });
  return { id: json.id, login, browser };
}

const signIn = (browser: Api, login: string, password = PASSWORD, address = '127.0.0.1'): Promise<Answer> => browser.post('/api/v1/session', { login, password }, { 'x-forwarded-for': address });
const secretOf = (browser: Browser): string => browser.cookies.get(COOKIE)!;
const isSignedIn = async (browser: Browser): Promise<boolean> => (await browser.get('/api/v1/session')).status === 200;
const withCookie = (secret: string): Browser => {
  const browser = new Browser(server.url);
  browser.cookies.set(COOKIE, secret);
  return browser;
};

describe('given a sign-in', () => {
  it('sets a cookie that no script reads and no other site sends, and says who one is', async () => {
    const { id, login } = await aPerson();
    const answer = await signIn(new Browser(server.url), login);
    expect(answer.status).toBe(201);
    expect(answer.json).toMatchObject({ kind: 'session', person: { id, name: 'Ada' }, csrfToken: expect.any(String), limits: null });
    const [session, device] = answer.headers.getSetCookie();
    expect(session).toMatch(/^trimtab-session=tts_\w+; Path=\/; HttpOnly; SameSite=Lax$/);
    expect(device).toMatch(/^trimtab-device=[\w-]{43}; Max-Age=15552000; Path=\/; HttpOnly; SameSite=Lax$/);
    expect(answer.text).not.toContain('tts_');
    expect(answer.headers.get('cache-control')).toBe('no-store');
  });

  it('keeps nothing by which anybody could sign in', async () => {
    const { browser } = await aPerson();
    const dump = JSON.stringify([await query('SELECT c.*, s.* FROM credential c JOIN session s ON s.credential_id = c.id'), await query('SELECT * FROM person_password'), await query('SELECT * FROM known_device'), await query('SELECT * FROM audit_record')]);
    for (const secret of [secretOf(browser).slice(8), browser.cookies.get('trimtab-device')!, PASSWORD, browser.csrfToken!]) expect(dump).not.toContain(secret);
  });

  it('is another session every time: what was open under the cookie before is over, also on the other replica', async () => {
    const { login, browser } = await aPerson();
    const before = secretOf(browser);
    expect(await isSignedIn(withCookie(before).at(replica.url))).toBe(true);
    expect((await signIn(browser, login)).status).toBe(201);
    expect(secretOf(browser)).not.toBe(before);
    expect(await isSignedIn(withCookie(before))).toBe(false);
    await eventually(async () => expect(await isSignedIn(withCookie(before).at(replica.url))).toBe(false), { timeoutMs: 1_000 });
  });

  it('never takes a secret that somebody else has chosen', async () => {
    const { login } = await aPerson();
    const planted = `tts_${'A'.repeat(43)}`;
    const browser = withCookie(planted);
    await signIn(browser, login);
    expect(secretOf(browser)).not.toBe(planted);
    expect(await isSignedIn(withCookie(planted))).toBe(false);
  });

  it.each([
    ['a wrong password', ({ login }: Person) => [login, 'another lamp on the stair']],
    ['a password in another case', ({ login }: Person) => [login, PASSWORD.toUpperCase()]],
    ['a login that does not exist', () => ['nobody', PASSWORD]],
    ['a login that cannot exist', () => ['аda', PASSWORD]],
    ['SQL', () => [`' OR 1=1 --`, PASSWORD]],
  ])('is refused in the same words for %s', async (_name, credentials) => {
    const [login, password] = credentials(await aPerson());
    const answer = await signIn(new Browser(server.url), login!, password, '192.0.2.1');
    expect(answer.json).toEqual({ requestId: expect.any(String), type: '/docs/errors#sign_in_failed', title: 'Login or password is wrong.', status: 401, code: 'sign_in_failed', detail: expect.stringMatching(/^Login or password is wrong/) });
    expect(answer.headers.getSetCookie()).toEqual([]);
  });

  it('takes the same password however it was typed', async () => {
    const { json } = await admin.must('POST', '/api/v1/people', { login: 'normal', name: 'Normal' });
    await new Browser(server.url).must('POST', '/api/v1/links', { secret: json.link.secret, password: 'A\u030Angstrom lamp ﬁfteen' });
    expect((await signIn(new Browser(server.url), 'normal', 'Ångstrom lamp fifteen')).status).toBe(201);
  });

  it('hashes a password again that was hashed when less was asked for', async () => {
    const { id, login } = await aPerson();
    const { hash } = await import('@node-rs/argon2');
    await query('UPDATE person_password SET hash = $2 WHERE person_id = $1', [id, await hash(PASSWORD, { memoryCost: 8192, timeCost: 1 })]);
    expect((await signIn(new Browser(server.url), login)).status).toBe(201);
    expect(await query('SELECT hash FROM person_password WHERE person_id = $1', [id])).toMatchObject([{ hash: expect.stringContaining('m=32768,t=3') }]);
    expect((await signIn(new Browser(server.url), login)).status).toBe(201);
  });

  it('is not brought about by a page of another site', async () => {
    const { login } = await aPerson();
    for (const headers of [{ origin: 'https://evil.example' }, { 'sec-fetch-site': 'cross-site' }, { origin: 'null' }]) {
      const answer = await new Browser(server.url).post('/api/v1/session', { login, password: PASSWORD }, headers as unknown as Record<string, string>);
      expect([answer.json.code, answer.headers.getSetCookie()]).toEqual(['csrf_refused', []]);
    }
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x']) {
      expect((await new Api(server.url, undefined).request('POST', '/api/v1/session', JSON.stringify({ login, password: PASSWORD }), { 'content-type': type })).status).toBe(415);
    }
  });
});

describe('given a session', () => {
  it('changes something only for a page that knows its token', async () => {
    const { browser } = await aPerson();
    const token = browser.csrfToken!;
    browser.csrfToken = undefined;
    const attempts: Record<string, string>[] = [{}, { 'x-csrf-token': 'x' }, { 'x-csrf-token': token, origin: 'https://evil.example' }, { 'x-csrf-token': token, 'sec-fetch-site': 'same-site' }];
    for (const headers of attempts) expect((await browser.request('DELETE', '/api/v1/sessions', undefined, headers)).json).toMatchObject({ code: 'csrf_refused' });
    const other = await aPerson();
    expect((await browser.request('DELETE', '/api/v1/sessions', undefined, { 'x-csrf-token': other.browser.csrfToken! })).json).toMatchObject({ code: 'csrf_refused' });
    expect(await isSignedIn(browser)).toBe(true);
    expect((await browser.request('DELETE', '/api/v1/sessions', undefined, { 'x-csrf-token': token, origin: server.url, 'sec-fetch-site': 'same-origin' })).status).toBe(204);
  });

  it('is no use as a token, nor a token as a session', async () => {
    const { browser } = await aPerson();
    const secret = secretOf(browser);
    for (const headers of [{ authorization: `Bearer ${secret}` }, { authorization: `Basic ${Buffer.from(`x:${secret}`).toString('base64')}` }]) {
      for (const path of ['/api/v1/session', '/openapi.json', '/v1/config/base/orders']) expect((await new Api(server.url, undefined).get(path, headers)).status).toBe(401);
    }
    for (const path of ['/api/v1/session', '/api/v1/services']) expect((await withCookie(server.token).get(path)).status).toBe(401);
    // The data plane takes no cookies: pages of other origins may open it.
    expect((await browser.get('/v1/config/base/orders')).status).toBe(401);
  });

  it('yields to the header, which a browser does not send by itself', async () => {
    const { browser } = await aPerson();
    browser.csrfToken = undefined;
    expect((await browser.get('/api/v1/session', { authorization: `Bearer ${server.token}` })).json.kind).toBe('token');
    expect((await browser.get('/api/v1/session', { authorization: 'Bearer nonsense' })).status).toBe(401);
    expect((await browser.post('/api/v1/services', { name: 'with-both' }, { authorization: `Bearer ${server.token}` })).status).toBe(201);
  });

  it.each(['', 'tts_', `tts_${'A'.repeat(43)}`, '%00', 'tts_%zz', '; trimtab-session=', '\u00ff'])('is not opened by %j', async (secret) => {
    expect(await isSignedIn(withCookie(secret))).toBe(false);
  });

  it('is not opened when there are two, one of which was planted', async () => {
    const { browser } = await aPerson();
    const cookie = `${COOKIE}=${secretOf(browser)}; ${COOKIE}=${secretOf((await aPerson()).browser)}`;
    expect((await new Api(server.url, undefined).get('/api/v1/session', { cookie })).status).toBe(401);
  });

  it('ends when the person signs out, at once on every replica, and leaves no cookie', async () => {
    const { browser } = await aPerson();
    const copy = browser.at(replica.url);
    expect(await isSignedIn(copy)).toBe(true);
    expect((await browser.must('DELETE', '/api/v1/session')).json).toEqual({ endSessionUrl: null });
    expect(browser.cookies.has(COOKIE)).toBe(false);
    await eventually(async () => expect(await isSignedIn(copy)).toBe(false), { timeoutMs: 1_000 });
    expect((await admin.request('DELETE', '/api/v1/session')).json).toMatchObject({ code: 'credential_not_found' });
  });

  it('is seen beside the others, and can be ended from there, one or all; those of other people never', async () => {
    const { login, browser } = await aPerson();
    const other = new Browser(replica.url);
    await other.must('POST', '/api/v1/session', { login, password: PASSWORD }, { 'user-agent': 'Other <browser>\u00e9', 'x-forwarded-for': '198.51.100.7' });
    const { items } = (await browser.must('GET', '/api/v1/sessions')).json as { items: { id: string; current: boolean }[] };
    expect(items).toMatchObject([{ current: false, method: 'password', address: '198.51.100.7', userAgent: 'Other <browser>' }, { current: true, method: 'link' }]);
    const stranger = await aPerson();
    expect((await stranger.browser.must('GET', '/api/v1/sessions')).json.items).toHaveLength(1);
    expect((await stranger.browser.request('DELETE', `/api/v1/sessions/${items[0]!.id}`)).json).toMatchObject({ code: 'credential_not_found' });
    expect((await browser.request('DELETE', `/api/v1/sessions/${items[0]!.id}`)).status).toBe(204);
    await eventually(async () => expect(await isSignedIn(other)).toBe(false), { timeoutMs: 1_000 });
    await signIn(other, login);
    expect((await browser.request('DELETE', '/api/v1/sessions')).status).toBe(204);
    expect([browser.cookies.has(COOKIE), await isSignedIn(stranger.browser)]).toEqual([false, true]);
    await eventually(async () => expect(await isSignedIn(other)).toBe(false), { timeoutMs: 1_000 });
  });

  it('is one of a hundred at most: the oldest ends', async () => {
    const { id, login, browser } = await aPerson();
    await query(
      `WITH made AS (
         INSERT INTO credential (id, kind, name, prefix, secret_hash, person_id, created_at, expires_at)
         SELECT gen_random_uuid(), 'session', 'Ada', 'tts_', sha256(($1::text || n)::bytea), $1::uuid, now() + interval '1 second', now() + interval '1 hour' FROM generate_series(1, 99) AS n RETURNING id)
       INSERT INTO session (credential_id, method, ends_at, address, user_agent) SELECT id, 'password', now() + interval '1 hour', '', '' FROM made`,
      [id],
    );
    expect(await isSignedIn(browser)).toBe(true);
    const newest = new Browser(server.url);
    await query(`UPDATE credential SET created_at = created_at - interval '1 minute' WHERE person_id = $1`, [id]);
    expect((await signIn(newest, login)).status).toBe(201);
    expect([await isSignedIn(browser), await isSignedIn(newest)]).toEqual([false, true]);
    expect((await newest.must('GET', '/api/v1/sessions')).json.items).toHaveLength(100);
  });

  it('gets another secret when the password changes, and every other session ends', async () => {
    const { id, login, browser } = await aPerson();
    const other = new Browser(server.url);
    await signIn(other, login);
    const before = browser.at(server.url);
    const change = (current: string, password: string) => browser.request('PUT', '/api/v1/session/password', { current, password });
    expect((await change('wrong', 'another lamp on the stair')).json).toMatchObject({ code: 'sign_in_failed', pointer: '/current' });
    expect((await change(PASSWORD, login.repeat(4))).json).toMatchObject({ code: 'password_unsuitable' });
    expect((await change(PASSWORD, 'another lamp on the stair')).json).toMatchObject({ kind: 'session', person: { id } });
    expect(await isSignedIn(browser)).toBe(true);
    for (const ended of [before, other]) expect(await isSignedIn(ended)).toBe(false);
    expect([(await signIn(new Browser(server.url), login)).status, (await signIn(new Browser(server.url), login, 'another lamp on the stair')).status]).toEqual([401, 201]);
    expect((await admin.request('PUT', '/api/v1/session/password', { current: 'x', password: 'x' })).json).toMatchObject({ code: 'cannot_sign_in' });
  });

  it('lasts as long as it is used, and in no case longer than its end', async () => {
    const { id, browser } = await aPerson();
    const credential = async () => (await query<{ expires: number; ends: number }>(
      `SELECT extract(epoch FROM c.expires_at - now())::float8 AS expires, extract(epoch FROM s.ends_at - now())::float8 AS ends FROM credential c JOIN session s ON s.credential_id = c.id WHERE c.person_id = $1`,
      [id],
    ))[0]!;
    const age = (minutes: number) => query(`WITH aged AS (UPDATE session SET ends_at = ends_at - $2 * interval '1 minute' WHERE credential_id IN (SELECT id FROM credential WHERE person_id = $1)) UPDATE credential SET expires_at = expires_at - $2 * interval '1 minute' WHERE person_id = $1`, [id, minutes]);
    expect((await credential()).expires / 60).toBeCloseTo(120, 0);
    expect((await credential()).ends / 60).toBeCloseTo(1_440, 0);
    // As a replica finds it that has not seen it before.
    await age(60);
    expect(await isSignedIn(browser.at(replica.url))).toBe(true);
    expect((await credential()).expires / 60).toBeCloseTo(120, 0);
    await age(1_320);
    const [last] = [await credential()];
    expect(last.ends / 60).toBeCloseTo(60, 0);
    await database.dataSource.query('UPDATE credential SET expires_at = $2 WHERE person_id = $1', [id, new Date(Date.now() + 30 * 60_000)]);
    await replica.app.get(Authenticator).refresh();
    expect(await isSignedIn(browser.at(replica.url))).toBe(true);
    expect((await credential()).expires / 60).toBeCloseTo(60, 0);
    await age(61);
    await Promise.all([server, replica].map(({ app }) => app.get(Authenticator).refresh()));
    expect([await isSignedIn(browser), await isSignedIn(browser.at(replica.url))]).toEqual([false, false]);
  });

  it('may do at once what is granted to the person, and no more when it is taken away', async () => {
    const { id, browser } = await aPerson();
    const change = async (statement: string): Promise<void> => {
      await query(statement, [id]);
      await database.dataSource.transaction((manager) => announce(manager, 'access'));
    };
    const reads = async (status: number): Promise<void> => eventually(async () => expect((await browser.get('/api/v1/services')).status).toBe(status), { timeoutMs: 1_000 });
    await reads(403);
    await change(`INSERT INTO access_grant (id, subject_kind, subject, role, services, environment_id, created_by) SELECT gen_random_uuid(), 'person', $1::text, 'viewer', '*', id, '{}' FROM environment WHERE parent_id IS NULL`);
    await reads(200);
    expect((await browser.post('/api/v1/services', { name: 'not-mine' })).json).toMatchObject({ code: 'forbidden' });
    await change(`DELETE FROM access_grant WHERE subject = $1::text`);
    await reads(403);
  });
});
