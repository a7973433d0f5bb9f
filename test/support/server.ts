import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { ensureAdministratorToken } from '../../src/access/first-token';
import { createApplication } from '../../src/application';
import { announce } from '../../src/notify/announce';
import { defaultSettings, type SettingsOverrides } from '../../src/settings/default-settings';
import type { Settings } from '../../src/settings/settings';
import { createTestDatabase, type TestDatabase } from './database';
import { opened } from './open-resources';

/** A whole server inside the test's process, on a port of its own. */
export interface TestServer {
  /** `http://127.0.0.1:…`, without a slash at the end. */
  readonly url: string;
  readonly app: NestFastifyApplication;
  readonly settings: Settings;
  readonly database: TestDatabase;
  /** Administrator token of the database. */
  readonly token: string;
  /** Closes the database as well, unless it was given. */
  close(): Promise<void>;
}

/** What the servers of tests seal with. */
export const MASTER_KEY = `test-key:${Buffer.alloc(32, 'master key of tests').toString('base64')}`;

const tokens = new WeakMap<TestDatabase, Promise<string>>();
const databases = new Map<string, TestDatabase>();

/** The database of a server that is running: for what no API gives. */
export function databaseBehind(url: string): TestDatabase {
  const database = databases.get(url);
  if (database === undefined) throw new Error(`No server of this test runs at ${url}.`);
  return database;
}

/** Says so of a server that is a process of its own. Returns how to take it back. */
export function runsOn(url: string, database: TestDatabase): () => void {
  databases.set(url, database);
  return () => void databases.delete(url);
}

/** Starts a server with a fresh database, or on `database`, which several may share. */
export async function startServer(overrides: SettingsOverrides = {}, database?: TestDatabase): Promise<TestServer> {
  const used = database ?? (await createTestDatabase());
  const settings = defaultSettings({ logLevel: 'silent', databaseUrl: used.url, secrets: { masterKeys: MASTER_KEY }, ...overrides });
  const app = await createApplication(settings);
  await app.listen(0, '127.0.0.1');
  const url = await app.getUrl();
  const closed = opened(`server on ${url}`);
  databases.set(url, used);
  const close = async (): Promise<void> => {
    await app.close();
    databases.delete(url);
    if (database === undefined) await used.close();
    closed();
  };
  return { url, app, settings, database: used, token: await administratorToken(used), close };
}

/** The administrator token of a test database, made when it is first asked for. */
export function administratorToken(database: TestDatabase): Promise<string> {
  const known = tokens.get(database) ?? makeToken(database);
  tokens.set(database, known);
  return known;
}

async function makeToken(database: TestDatabase): Promise<string> {
  const token = await ensureAdministratorToken(database.dataSource);
  if (token === undefined) throw new Error('The first token of this database has been made by someone else.');
  // Nobody is shown secrets without having been granted that, not even the first administrator.
  await database.dataSource.transaction(async (manager) => {
    await manager.query('UPDATE access_grant SET reveal = true');
    await announce(manager, 'access');
  });
  return token;
}
