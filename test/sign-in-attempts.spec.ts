import { Browser } from './support/browser';
import { createTestDatabase, type TestDatabase } from './support/database';
import { startServer, type TestServer } from './support/server';
import { Api, type Answer } from './support/api';

const PASSWORD = 'quiet lamp on the stair';
const OVERRIDES = { http: { trustedProxies: ['127.0.0.1'] } };
const HOME = '198.51.100.1';
const STRANGE = '203.0.113.9';

let database: TestDatabase;
let server: TestServer;
let replica: TestServer;
let admin: Api;

beforeAll(async () => {
  database = await createTestDatabase();
  server = await startServer(OVERRIDES, database);
  replica = await startServer(OVERRIDES, database);
  admin = new Api(server.url, server.token);
});
beforeEach(() => query('DELETE FROM attempt'));
afterAll(async () => {
  await server.close();
  await replica.close();
  await database.close();
});

const query = <Row>(text: string, values: unknown[] = []): Promise<Row[]> => database.dataSource.query<Row[]>(text, values);
/** Time passes for everything that is counted. */
const wait = (seconds: number) => query(`UPDATE attempt SET next_at = next_at - $1 * interval '1 second', forget_at = forget_at - $1 * interval '1 second'`, [seconds]);

let people = 0;
async function aPerson(): Promise<{ login: string; browser: Browser; secret: string }> {
  const login = `person${(people += 1)}`;
  const { json } = await admin.must('POST', '/api/v1/people', { login, name: 'Ada' });
  const browser = new Browser(server.url);
  await browser.must('POST', '/api/v1/links', { secret: json.link.secret, password: PASSWORD }, { 'x-forwarded-for': HOME });
  return { login, browser, secret: json.link.secret };
}

const attempt = (login: string, password: string, address: string, browser: Api = new Browser(server.url)): Promise<Answer> =>
  browser.post('/api/v1/session', { login, password }, { 'x-forwarded-for': address });

/** Tries until there is a pause, which it answers with how often it could try. */
async function untilPaused(tries: (turn: number) => Promise<Answer>): Promise<{ tried: number; answer: Answer }> {
  for (let tried = 0; tried < 100; tried += 1) {
    const answer = await tries(tried);
    if (answer.status !== 401 && answer.status !== 404) return { tried, answer };
  }
  throw new Error('There was no pause.');
}

describe('given somebody who guesses a password', () => {
  it('lets them try five times, on all replicas together and over a restart, then after longer and longer pauses', async () => {
    const { login } = await aPerson();
    const third = await startServer(OVERRIDES, database);
    const turns = [server, replica, third];
    const { tried, answer } = await untilPaused((turn) => attempt(login, `guess ${turn}`, STRANGE, new Browser(turns[turn % 3]!.url)));
    await third.close();
    expect(tried).toBe(5);
    expect([answer.status, answer.json.code, answer.headers.get('retry-after'), answer.json.retryAfter]).toEqual([429, 'too_many_requests', '1', 1]);
    const restarted = await startServer(OVERRIDES, database);
    const pauses: number[] = [];
    try {
      for (let round = 0; round < 4; round += 1) {
        await wait(pauses.at(-1) ?? 1);
        expect((await attempt(login, 'still guessing', STRANGE, new Browser(restarted.url))).status).toBe(401);
        pauses.push(Number((await attempt(login, PASSWORD, STRANGE)).headers.get('retry-after')));
      }
    } finally {
      await restarted.close();
    }
    expect(pauses).toEqual([2, 4, 8, 16]);
    // Never for ever: the right password is taken after the pause, and everything is forgotten.
    await wait(16);
    expect((await attempt(login, PASSWORD, STRANGE)).status).toBe(201);
    expect((await untilPaused((turn) => attempt(login, `guess ${turn}`, STRANGE))).tried).toBe(5);
  });

  it('counts before it looks: of many at once hardly more than five are looked at', async () => {
    const { login } = await aPerson();
    const answers = await Promise.all(Array.from({ length: 40 }, (_, turn) => attempt(login, `guess ${turn}`, STRANGE, new Browser(turn % 2 === 0 ? server.url : replica.url))));
    const lookedAt = answers.filter(({ status }) => status === 401).length;
    // A pause of a second may pass meanwhile; those that come after it, of two and four, do not.
    expect([5, 6]).toContain(lookedAt);
    expect(answers.filter(({ status }) => status === 429)).toHaveLength(40 - lookedAt);
    expect(await query(`SELECT FROM audit_record WHERE action = 'session.refuse' AND subject->>'login' = $1`, [login])).toHaveLength(lookedAt);
  });

  it('does not keep out the person: neither a browser they have used before, nor anybody elsewhere', async () => {
    const { login, browser } = await aPerson();
    await browser.must('DELETE', '/api/v1/session');
    const { answer } = await untilPaused((turn) => attempt(login, 'guess', `203.0.113.${turn % 250}`));
    expect(answer.status).toBe(429);
    // From many addresses: the login itself is paused now, for whoever nobody knows.
    expect((await attempt(login, PASSWORD, HOME)).status).toBe(429);
    expect((await attempt(login, PASSWORD, STRANGE, browser)).status).toBe(201);
    expect((await attempt((await aPerson()).login, PASSWORD, HOME)).status).toBe(201);
  });

  it('counts a known browser by itself, and one that was only made up not at all', async () => {
    const { login, browser } = await aPerson();
    const { tried } = await untilPaused(() => attempt(login, 'guess', STRANGE, browser));
    expect(tried).toBe(8);
    const stranger = new Browser(server.url);
    let made = 0;
    expect((await untilPaused(() => {
      stranger.cookies.set('trimtab-device', `${'A'.repeat(40)}${String((made += 1)).padStart(3, '0')}`);
      return attempt(login, 'guess', STRANGE, stranger);
    })).tried).toBe(5);
    // Known for one person is not known for another.
    const other = await aPerson();
    stranger.cookies.set('trimtab-device', browser.cookies.get('trimtab-device')!);
    expect((await untilPaused(() => attempt(other.login, 'guess', '192.0.2.77', stranger))).tried).toBe(5);
  });

  it('counts only what was looked at when very many sign in at once', async () => {
    const answers = await Promise.all(Array.from({ length: 80 }, (_none, index) => attempt(`nobody${index}`, 'a guess', `198.51.100.${index + 100}`)));
    const looked = answers.filter(({ status }) => status === 401).length;
    expect(answers.filter(({ status }) => status === 429).length).toBe(80 - looked);
    expect(looked).toBeLessThan(80);
    const [counted] = await query<{ failed: number }>(`SELECT count(*)::int AS failed FROM attempt WHERE key LIKE 'login:%' AND failures > 0`);
    expect(counted?.failed).toBe(looked);
  });

  it('pauses an address that tries many logins, whether they exist or not', async () => {
    const { tried, answer } = await untilPaused((turn) => attempt(`nobody${turn}`, 'guess', STRANGE));
    expect([tried, answer.status]).toEqual([50, 429]);
    expect((await attempt('nobody', 'guess', HOME)).status).toBe(401);
    // An attacker with an account of their own does not get rid of the pause by using it.
    const { login } = await aPerson();
    expect((await attempt(login, PASSWORD, STRANGE)).status).toBe(429);
    await wait(60);
    expect((await attempt(login, PASSWORD, STRANGE)).status).toBe(201);
    expect([(await attempt('nobody', 'guess', STRANGE)).status, (await attempt('nobody', 'guess', STRANGE)).status]).toEqual([401, 429]);
  });

  it('counts a login that does not exist like one that does, and keeps neither in clear', async () => {
    const login = 'my-password-in-the-wrong-field';
    expect((await untilPaused(() => attempt(login, 'guess', STRANGE))).tried).toBe(5);
    expect(JSON.stringify([await query('SELECT * FROM attempt'), await query('SELECT * FROM audit_record')])).not.toContain(login);
  });
});

describe('given somebody who guesses links', () => {
  it('pauses the address, for set-up and for invitations alike', async () => {
    const { tried, answer } = await untilPaused((turn) =>
      new Api(server.url, undefined).post(
        turn % 2 === 0 ? '/api/v1/setup' : '/api/v1/links',
        turn % 2 === 0 ? { secret: 'x', login: 'x', name: 'x', password: 'x' } : { secret: 'x', password: 'x' },
        { 'x-forwarded-for': STRANGE },
      ),
    );
    expect([tried, answer.status, answer.headers.get('retry-after')]).toEqual([20, 429, '1']);
    await aPerson();
  });
});

it('forgets what is long past', async () => {
  await attempt('nobody', 'guess', STRANGE);
  await wait(90_000);
  await attempt('somebody', 'guess', HOME);
  expect(await query('SELECT key FROM attempt')).toHaveLength(3);
});
