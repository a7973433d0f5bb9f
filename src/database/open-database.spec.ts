import { createTestDatabase, type TestDatabase } from '../../test/support/database';
import { startProxy } from '../../test/support/proxy';
import { defaultSettings, type SettingsOverrides } from '../settings/default-settings';
import { openDatabase } from './open-database';

describe('given a database that cannot be used', () => {
  let database: TestDatabase;

  beforeAll(async () => {
    database = await createTestDatabase();
  });
  afterAll(() => database.close());

  async function refusalOf(databaseUrl: string, overrides: SettingsOverrides = {}): Promise<string> {
    const opening = openDatabase(defaultSettings({ databaseUrl, ...overrides }));
    const error = await opening.then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(error).toMatchObject({ code: 'unavailable' });
    return (error as Error).message;
  }

  it.each([
    ['nobody answers', 'postgres://u:s3cret@127.0.0.1:1/trimtab', /^No Postgres answers at 127\.0\.0\.1:1\/trimtab/],
    ['the host is unknown', 'postgres://u:s3cret@no-such-host.invalid/trimtab', /cannot be found/],
    ['there is no such socket', 'postgres://u:s3cret@/trimtab?host=/nowhere', /no Postgres socket/],
  ])('says that %s', async (_what, url, expected) => {
    const message = await refusalOf(url);
    expect(message).toMatch(expected);
    expect(message).not.toContain('s3cret');
  });

  it.each([
    ['the password is wrong', (url: URL) => (url.password = 's3cret'), /refuses the user or the password/],
    ['the user is unknown', (url: URL) => (url.username = 'nobody'), /refuses the user or the password/],
    ['the database does not exist', (url: URL) => (url.pathname = '/nothing_here'), /no such database/],
  ])('says that %s', async (_what, spoil, expected) => {
    const url = new URL(database.url);
    spoil(url);
    const message = await refusalOf(url.href);
    expect(message).toMatch(expected);
    expect(message).not.toContain('s3cret');
  });

  it('says that the server takes the connection and does not answer', async () => {
    const proxy = await startProxy(database.url);
    proxy.pause();
    expect(await refusalOf(proxy.through(database.url), { database: { connectTimeoutMs: 300 } })).toMatch(/did not answer within 300 ms/);
    await proxy.close();
  });

  it('says that the server is too old', async () => {
    const { dataSource } = database;
    await dataSource.query("CREATE SCHEMA old; CREATE FUNCTION old.current_setting(text) RETURNS text LANGUAGE sql AS 'SELECT ''140011''::text'");
    const url = new URL(database.url);
    url.searchParams.set('options', '-c search_path=old,pg_catalog,public');
    expect(await refusalOf(url.href)).toMatch(/needs Postgres 15 or newer; the server at DATABASE_URL is 14/);
  });
});
