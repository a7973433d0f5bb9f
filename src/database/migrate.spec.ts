import { readdirSync } from 'node:fs';
import path from 'node:path';
import { DataSource, type MigrationInterface, type QueryRunner } from 'typeorm';
import { createTestDatabase, type TestDatabase } from '../../test/support/database';
import { migrate } from './migrate';
import { migrations } from './migrations';

describe('given an empty database', () => {
  let database: TestDatabase;

  beforeEach(async () => {
    database = await createTestDatabase({ migrated: false });
  });
  afterEach(() => database.close());

  async function withSources<T>(
    count: number,
    list: (new () => MigrationInterface)[],
    use: (sources: DataSource[]) => Promise<T>,
  ): Promise<T> {
    const options = { ...database.dataSource.options, migrations: list } as typeof database.dataSource.options;
    const sources = await Promise.all(Array.from({ length: count }, () => new DataSource(options).initialize()));
    try {
      return await use(sources);
    } finally {
      await Promise.all(sources.map((source) => source.destroy()));
    }
  }

  it('runs every migration once, and nothing the second time', async () => {
    expect(await migrate(database.dataSource)).toHaveLength(migrations.length);
    expect(await migrate(database.dataSource)).toEqual([]);
  });

  it('lets one of several processes migrate while the others wait', async () => {
    const done = await withSources(3, [...migrations], (sources) => Promise.all(sources.map(migrate)));
    expect(done.map(({ length }) => length).sort()).toEqual([0, 0, migrations.length]);
  });

  it('keeps what was migrated before a failure and goes on from there', async () => {
    class First1000000000001 implements MigrationInterface {
      name = 'First1000000000001';
      up = (runner: QueryRunner): Promise<unknown> => runner.query('CREATE TABLE first (id int PRIMARY KEY)');
      down = (): Promise<void> => Promise.resolve();
    }
    class Second1000000000002 implements MigrationInterface {
      name = 'Second1000000000002';
      static broken = true;
      up = async (runner: QueryRunner): Promise<void> => {
        await runner.query('CREATE TABLE second (id int PRIMARY KEY)');
        if (Second1000000000002.broken) await runner.query('SELECT 1 / 0');
      };
      down = (): Promise<void> => Promise.resolve();
    }
    await withSources(1, [First1000000000001, Second1000000000002], async ([source]) => {
      await expect(migrate(source!)).rejects.toThrow('division by zero');
      Second1000000000002.broken = false;
      expect(await migrate(source!)).toEqual(['Second1000000000002']);
    });
  });

  it('heals when the process is cut off in the middle of a migration', async () => {
    class Slow1000000000001 implements MigrationInterface {
      name = 'Slow1000000000001';
      static terminate = true;
      up = async (runner: QueryRunner): Promise<void> => {
        await runner.query('CREATE TABLE slow (id int PRIMARY KEY)');
        if (!Slow1000000000001.terminate) return;
        Slow1000000000001.terminate = false;
        await runner.query('SELECT pg_terminate_backend(pg_backend_pid())');
      };
      down = (): Promise<void> => Promise.resolve();
    }
    await withSources(2, [Slow1000000000001], async ([killed, next]) => {
      await expect(migrate(killed!)).rejects.toThrow(/terminat/);
      expect(await migrate(next!)).toEqual(['Slow1000000000001']);
    });
  });

  it('leaves the sessions of the pool as they were', async () => {
    await withSources(1, [], async ([source]) => {
      await migrate(source!);
      const [row] = await source!.query<{ statement_timeout: string; locks: number }[]>(
        "SELECT current_setting('statement_timeout') AS statement_timeout, (SELECT count(*)::int FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()) AS locks",
      );
      expect(row).toEqual({ statement_timeout: '30s', locks: 0 });
    });
  });
});

it('knows every file in migrations/, in the order of their names', () => {
  const files = readdirSync(path.resolve(__dirname, '../../migrations')).filter((file) => file.endsWith('.ts')).sort();
  const stamps = migrations.map((migration) => /\d{13}$/.exec(migration.name)?.[0]);
  expect(stamps).toEqual(files.map((file) => file.slice(0, 13)));
});
