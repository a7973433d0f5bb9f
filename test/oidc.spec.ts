import { Api, type Answer } from './support/api';
import { Browser } from './support/browser';
import { createTestDatabase, type TestDatabase } from './support/database';
import { eventually } from './support/eventually';
import { startIdentityProvider, type TestIdentityProvider } from './support/identity-provider';
import { startServer, type TestServer } from './support/server';

const PUBLIC = 'https://trimtab.example';
const START = '/api/v1/session/oidc/start';
const PENDING = '__Host-trimtab-oidc';

let provider: TestIdentityProvider;
let database: TestDatabase;
let server: TestServer;
let replica: TestServer;
let admin: Api;

beforeAll(async () => {
  provider = await startIdentityProvider(PUBLIC);
  database = await createTestDatabase();
  const oidc = { issuer: provider.issuer, clientId: 'trimtab', clientSecret: 'a secret of the client', scopes: 'openid profile groups' };
  server = await startServer({ publicUrl: PUBLIC, oidc }, database);
  replica = await startServer({ publicUrl: PUBLIC, oidc: { ...oidc, newPeople: 'refuse' } }, database);
  admin = new Api(server.url, server.token);
});
afterAll(async () => {
  await server.close();
  await replica.close();
  await database.close();
  await provider.close();
});

const query = <Row>(text: string, values: unknown[] = []): Promise<Row[]> => database.dataSource.query<Row[]>(text, values);
const location = (answer: Answer): string => answer.headers.get('location') ?? '';

/** The path with which a browser comes back from the provider. */
async function comingBack(browser: Browser, as: string, back = '/'): Promise<string> {
  const started = await browser.get(`${START}?return=${encodeURIComponent(back)}`);
  return (await provider.visit(location(started), as)).replace(PUBLIC, '');
}

async function signIn(as: string, { url = server.url, back = '/' } = {}): Promise<{ browser: Browser; answer: Answer }> {
  const browser = new Browser(url);
  const answer = await browser.get(await comingBack(browser, as, back));
  return { browser, answer };
}

const errorOf = (answer: Answer): Record<string, string> => {
  expect([answer.status, location(answer).slice(0, 3)]).toEqual([303, '/#s']);
  return Object.fromEntries(new URLSearchParams(location(answer).slice(2)));
};
const session = async (browser: Browser) => (await browser.must('GET', '/api/v1/session')).json;

describe('given somebody who signs in at the identity provider', () => {
  it('sends them there with PKCE, state and nonce, and lets them in when they come back', async () => {
    await provider.tell('ada', { name: 'Ada Lovelace', groups: ['engineers', 'Ops / EU', 7, ''] });
    const browser = new Browser(server.url);
    const started = await browser.get(`${START}?return=/services/orders%3Ftab%3D1`);
    const { searchParams, origin } = new URL(location(started));
    expect([started.status, origin]).toEqual([303, provider.issuer]);
    expect(Object.fromEntries(searchParams)).toMatchObject({ response_type: 'code', code_challenge_method: 'S256', client_id: 'trimtab', redirect_uri: `${PUBLIC}/api/v1/session/oidc/callback`, code_challenge: expect.any(String), state: expect.any(String), nonce: expect.any(String) });
    expect(started.headers.getSetCookie()).toEqual([expect.stringMatching(/^__Host-trimtab-oidc=[\w-]+; Max-Age=600; Path=\/; HttpOnly; Secure; SameSite=Lax$/)]);

    const back = await browser.get((await provider.visit(location(started), 'ada')).replace(PUBLIC, ''));
    expect([back.status, location(back)]).toEqual([303, '/services/orders?tab=1']);
    expect(back.headers.getSetCookie().map((cookie) => cookie.split('=')[0])).toEqual([PENDING, '__Host-trimtab-session', '__Host-trimtab-device']);
    expect(browser.cookies.has(PENDING)).toBe(false);
    expect(await session(browser)).toMatchObject({ kind: 'session', person: { name: 'Ada Lovelace' }, groups: ['Ops / EU', 'engineers'], grants: [] });
    expect((await browser.get('/api/v1/services')).status).toBe(403);
  });

  it('is the same person every time, by issuer and subject and by nothing else', async () => {
    await provider.tell('grace', { name: 'Grace', email: 'ada@example.com', preferred_username: 'ada' });
    const [first, second, ada] = [await signIn('grace'), await signIn('grace', { url: replica.url }), await signIn('ada')];
    const ids = await Promise.all([first, second, ada].map(async ({ browser }) => (await session(browser)).person.id as string));
    expect(ids[0]).toBe(ids[1]);
    expect(ids[2]).not.toBe(ids[0]);
    await query(`UPDATE person_identity SET issuer = 'https://elsewhere.example' WHERE subject = 'grace'`);
    expect((await session((await signIn('grace')).browser)).person.id).not.toBe(ids[0]);
  });

  it('is made once, in however many windows they come for the first time', async () => {
    await provider.tell('many', { name: 'Many' });
    const windows = await Promise.all([1, 2, 3].map(async () => {
      const browser = new Browser(server.url);
      return { browser, path: await comingBack(browser, 'many') };
    }));
    const answers = await Promise.all(windows.map(({ browser, path }) => browser.get(path)));
    expect(answers.map(location)).toEqual(['/', '/', '/']);
    expect(await query(`SELECT FROM person WHERE name = 'Many'`)).toHaveLength(1);
  });

  it('may do what their groups are granted, until the provider does not count them among these any more', async () => {
    await provider.tell('linus', { name: 'Linus', groups: ['readers', 'others'] });
    const { json } = await admin.must('POST', '/api/v1/people', { login: 'local', name: 'Local' });
    await admin.must('PUT', `/api/v1/groups/readers/members/${json.id}`);
    await query(`INSERT INTO access_grant (id, subject_kind, subject, role, services, environment_id, created_by) SELECT gen_random_uuid(), 'group', 'readers', 'viewer', '*', id, '{}' FROM environment WHERE parent_id IS NULL`);
    const { browser } = await signIn('linus');
    expect((await browser.get('/api/v1/services')).status).toBe(200);
    const { person } = await session(browser);
    await admin.must('PUT', `/api/v1/groups/local-one/members/${person.id}`);

    await provider.tell('linus', { name: 'Linus', groups: ['others'] });
    const again = await signIn('linus');
    expect((await again.browser.get('/api/v1/services')).status).toBe(403);
    // Also where they are still signed in.
    await eventually(async () => expect((await browser.get('/api/v1/services')).status).toBe(403), { timeoutMs: 1_000 });
    expect((await session(again.browser)).groups).toEqual(['local-one', 'others']);
    expect((await admin.must('GET', '/api/v1/groups/readers/members')).json.items).toMatchObject([{ name: 'Local' }]);
    expect(await query(`SELECT subject FROM audit_record WHERE action = 'person.groups' AND subject->>'id' = $1 ORDER BY id`, [person.id])).toMatchObject([
      { subject: { added: ['others', 'readers'], removed: [] } },
      { subject: { added: [], removed: ['readers'] } },
    ]);
  });

  it('ends at the provider as well, if they want', async () => {
    const { browser } = await signIn('ada');
    await session(browser);
    const { endSessionUrl } = (await browser.must('DELETE', '/api/v1/session')).json;
    const { origin, searchParams } = new URL(endSessionUrl as string);
    expect([origin, Object.fromEntries(searchParams)]).toEqual([provider.issuer, { client_id: 'trimtab', post_logout_redirect_uri: `${PUBLIC}/` }]);
    expect((await fetch(endSessionUrl as string)).status).toBe(200);
  });

  it('is let in for the first time only if named before, where that is the rule', async () => {
    await provider.tell('named', { name: 'As the provider says' });
    await provider.tell('unnamed', { name: 'Unnamed' });
    const { json } = await admin.must('POST', '/api/v1/people', { name: 'Named before', oidcSubject: 'named' });
    expect(json).toMatchObject({ login: null, oidc: true, password: false });
    expect(json.link).toBeUndefined();
    expect((await session((await signIn('named', { url: replica.url })).browser)).person).toEqual({ id: json.id, name: 'Named before' });
    const { browser, answer } = await signIn('unnamed', { url: replica.url });
    expect(errorOf(answer)).toMatchObject({ 'sign-in-error': 'sign_in_failed', detail: expect.stringContaining('nobody here is known by it') });
    expect(browser.cookies.has('__Host-trimtab-session')).toBe(false);
    expect(await query(`SELECT FROM person WHERE name = 'Unnamed'`)).toEqual([]);
    expect((await admin.post('/api/v1/people', { name: 'Twice', oidcSubject: 'named' })).json).toMatchObject({ code: 'name_taken', pointer: '/oidcSubject' });
  });

  it('is not let in when they are disabled here', async () => {
    await provider.tell('gone', { name: 'Gone' });
    const { browser } = await signIn('gone');
    await admin.must('PATCH', `/api/v1/people/${(await session(browser)).person.id}`, { disabled: true });
    expect((await browser.get('/api/v1/session')).status).toBe(401);
    expect(errorOf((await signIn('gone')).answer)).toMatchObject({ 'sign-in-error': 'sign_in_failed', detail: expect.stringContaining('disabled') });
  });

  it('is told that they declined', async () => {
    expect(errorOf((await signIn('')).answer)).toMatchObject({ 'sign-in-error': 'sign_in_failed', detail: expect.stringContaining('declined there') });
  });
});

describe('given an answer that does not belong to what was asked', () => {
  /** The cookie as the browser has it, changed. */
  const changed = (browser: Browser, change: object): void => {
    const pending = JSON.parse(Buffer.from(browser.cookies.get(PENDING)!, 'base64url').toString()) as object;
    browser.cookies.set(PENDING, Buffer.from(JSON.stringify({ ...pending, ...change })).toString('base64url'));
  };
  const expectRefused = async (browser: Browser, path: string): Promise<void> => {
    const answer = await browser.get(path);
    expect(errorOf(answer)).toMatchObject({ 'sign-in-error': 'sign_in_failed' });
    expect(browser.cookies.has('__Host-trimtab-session')).toBe(false);
    expect((await browser.get('/api/v1/session')).status).toBe(401);
  };

  it.each<[string, (browser: Browser, path: string) => string]>([
    ['with another state', (_browser, path) => path.replace(/state=[^&]+/, 'state=another')],
    ['without a state', (_browser, path) => path.replace(/&?state=[^&]+/, '')],
    ['with another code', (_browser, path) => path.replace(/code=[^&]+/, 'code=another')],
    ['from another issuer', (_browser, path) => path.replace(/iss=[^&]+/, 'iss=https%3A%2F%2Felsewhere.example')],
    ['to a browser that has asked for another nonce', (browser, path) => (changed(browser, { nonce: 'another' }), path)],
    ['to a browser that holds another verifier', (browser, path) => (changed(browser, { verifier: 'a'.repeat(43) }), path)],
    ['to a browser that has asked for nothing', (browser, path) => (browser.cookies.clear(), path)],
    ['to a browser with a cookie that is none', (browser, path) => (browser.cookies.set(PENDING, 'bm9uc2Vuc2U'), path)],
  ])('lets nobody in %s', async (_name, disturb) => {
    const browser = new Browser(server.url);
    const path = await comingBack(browser, 'ada');
    await expectRefused(browser, disturb(browser, path));
  });

  it('takes a code once', async () => {
    const browser = new Browser(server.url);
    const path = await comingBack(browser, 'ada');
    const copy = browser.at(server.url);
    expect(location(await browser.get(path))).toBe('/');
    await expectRefused(copy, path);
  });

  it('brings nobody into the session of somebody else: what one began, another cannot finish', async () => {
    const [victim, attacker] = [new Browser(server.url), new Browser(server.url)];
    await victim.get(START);
    await expectRefused(victim, await comingBack(attacker, 'ada'));
  });

  it.each(['https://evil.example', '//evil.example', '/\\evil.example', '\\\\evil.example', 'javascript:alert(1)', '/#setup=x', '/a\nb', 'services'])('never comes back to %j', async (back) => {
    const answer = await new Browser(server.url).get(`${START}?return=${encodeURIComponent(back)}`);
    expect([answer.status, answer.json.code]).toEqual([400, 'malformed_request']);
    const browser = new Browser(server.url);
    const path = await comingBack(browser, 'ada');
    changed(browser, { return: back });
    expect(location(await browser.get(path))).toBe('/');
  });
});

describe('given a provider that cannot be reached', () => {
  it('says so to who wants to sign in there, and lets everybody else sign in here', async () => {
    const away = await startServer({ publicUrl: PUBLIC, oidc: { issuer: 'http://127.0.0.1:9', clientId: 'trimtab' } }, database);
    try {
      const answer = await new Browser(away.url).get(START);
      expect(errorOf(answer)).toMatchObject({ 'sign-in-error': 'unavailable', detail: expect.stringContaining('cannot be reached') });
      const { json } = await admin.must('POST', `/api/v1/people`, { login: 'meanwhile', name: 'Meanwhile' });
      await new Browser(away.url).must('POST', '/api/v1/links', { secret: json.link.secret, password: 'quiet lamp on the stair' });
      await new Browser(away.url).must('POST', '/api/v1/session', { login: 'meanwhile', password: 'quiet lamp on the stair' });
      // Who has signed in there can still sign out here.
      const { browser } = await signIn('ada');
      await session(browser);
      expect((await browser.at(away.url).must('DELETE', '/api/v1/session')).json).toEqual({ endSessionUrl: null });
    } finally {
      await away.close();
    }
  });

  it('says that there is none where there is none', async () => {
    const without = await startServer({}, database);
    try {
      expect(errorOf(await new Browser(without.url).get(START))).toMatchObject({ 'sign-in-error': 'route_not_found' });
    } finally {
      await without.close();
    }
  });
});
