import { randomBytes } from 'node:crypto';
import { offerSetUp } from '../src/people/first-administrator';
import { Api, type Answer } from './support/api';
import { Browser } from './support/browser';
import { createTestDatabase, type TestDatabase } from './support/database';
import { startServer, type TestServer } from './support/server';

const PASSWORD = 'quiet lamp on the stair';

let database: TestDatabase;
let server: TestServer;
let replica: TestServer;
let admin: Api;

beforeAll(async () => {
  database = await createTestDatabase();
  server = await startServer({}, database);
  replica = await startServer({}, database);
  admin = new Api(server.url, server.token);
});
afterAll(async () => {
  await server.close();
  await replica.close();
  await database.close();
});

const unique = (): string => `p${randomBytes(4).toString('hex')}`;

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

/** Somebody who has set a password, in a browser of theirs. */
async function signedIn(): Promise<Invited & { browser: Browser }> {
  const person = await invited();
  const browser = new Browser(server.url);
  await browser.must('POST', '/api/v1/links', { secret: person.secret, password: PASSWORD });
  return { ...person, browser };
}

it('starts', async () => {
  const { browser, id } = await signedIn();
  expect((await browser.must('GET', '/api/v1/session')).json).toMatchObject({ kind: 'session', person: { id }, grants: [], groups: [] });
});
void offerSetUp; void (undefined as unknown as Answer);
