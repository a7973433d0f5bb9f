import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Client } from 'pg';
import { eventually } from '../../test/support/eventually';
import { EmbeddedPostgres } from './embedded-postgres';
import { findPostmaster, type Postmaster } from './postmaster';

jest.setTimeout(120_000);

describe('given a folder', () => {
  let parent: string;
  let folder: string;
  let data: string;

  beforeEach(() => {
    parent = mkdtempSync(path.join(tmpdir(), 'trimtab-embedded-'));
    folder = path.join(parent, 'a folder of ours');
    data = path.join(folder, 'postgres', 'data');
  });
  afterEach(async () => {
    await killPostmaster();
    rmSync(parent, { recursive: true, force: true });
  });

  const start = (): Promise<EmbeddedPostgres> => EmbeddedPostgres.start({ folder, parameters: { fsync: 'off' } });
  const running = (): Postmaster['kind'] => findPostmaster(data).kind;

  async function killPostmaster(): Promise<void> {
    const postmaster = findPostmaster(data);
    if (postmaster.kind !== 'running') return;
    process.kill(postmaster.pid, 'SIGKILL');
    await eventually(() => expect(running()).not.toBe('running'));
  }

  async function query<T>(url: string, sql: string): Promise<T[]> {
    const client = new Client({ connectionString: url });
    await client.connect();
    try {
      return (await client.query(sql)).rows as T[];
    } finally {
      await client.end();
    }
  }

  it('starts a Postgres that only the owner may look into, and stops it', async () => {
    const postgres = await start();
    expect(await query(postgres.url, 'SELECT current_user, current_database()')).toEqual([{ current_user: 'trimtab', current_database: 'trimtab' }]);
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    expect(statSync(path.join(folder, 'postgres', 'password')).mode & 0o777).toBe(0o600);
    await postgres.stop();
    expect(running()).toBe('none');
  });

  it('makes one cluster when several start at once, and stops it with the last', async () => {
    const users = await Promise.all([start(), start(), start(), start()]);
    expect(new Set(users.map(({ url }) => url)).size).toBe(1);
    expect(readdirSync(folder)).toEqual(['postgres']);
    for (const user of users.slice(1)) await user.stop();
    expect(running()).toBe('running');
    await users[0].stop();
    expect(running()).toBe('none');
  });

  it('is stopped by exactly one of several that leave together, and by nobody who comes meanwhile', async () => {
    const users = await Promise.all([start(), start(), start()]);
    const [newcomer] = await Promise.all([start(), ...users.map((user) => user.stop())]);
    expect(await query(newcomer.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    await newcomer.stop();
    expect(running()).toBe('none');
  });

  it('keeps running for a session that is not ours', async () => {
    const postgres = await start();
    const psql = new Client({ connectionString: postgres.url });
    await psql.connect();
    await postgres.stop();
    expect((await psql.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
    await psql.end();
    await (await start()).stop();
    expect(running()).toBe('none');
  });

  it('recovers what was committed before Postgres was killed, on the port of before', async () => {
    const killed = await start();
    await query(killed.url, 'CREATE TABLE kept (id int); INSERT INTO kept VALUES (1)');
    await killPostmaster();
    const next = await start();
    expect(next.url).toBe(killed.url);
    expect(await query(next.url, 'SELECT id FROM kept')).toEqual([{ id: 1 }]);
    await Promise.all([killed.stop(), next.stop()]);
    expect(running()).toBe('none');
  });

  it('starts although the pid in the pid file belongs to another process by now', async () => {
    await start();
    await killPostmaster();
    const pidFile = path.join(data, 'postmaster.pid');
    writeFileSync(pidFile, readFileSync(pidFile, 'utf8').replace(/^.*/, String(process.pid)));
    expect(running()).toBe('recycled');
    const next = await start();
    expect(running()).toBe('running');
    await next.stop();
  });

  it('removes a cluster that was only half made', async () => {
    const abandoned = path.join(folder, 'new-4194304-abcd', 'data');
    mkdirSync(abandoned, { recursive: true });
    writeFileSync(path.join(abandoned, 'PG_VERSION'), '18\n');
    await (await start()).stop();
    expect(readdirSync(folder)).toEqual(['postgres']);
  });

  it('says what is wrong with a folder that cannot be used', async () => {
    writeFileSync(folder, 'a file');
    await expect(start()).rejects.toMatchObject({ code: 'unavailable', message: expect.stringContaining(folder) });
  });

  it('says what Postgres says when it refuses to start', async () => {
    await (await start()).stop();
    writeFileSync(path.join(data, 'PG_VERSION'), '9.6\n');
    await expect(start()).rejects.toMatchObject({ code: 'unavailable', message: expect.stringMatching(/did not start: .*incompatible.*DATABASE_URL/) });
  });
});
