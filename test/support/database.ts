import { createHash, randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { Client } from 'pg';
import type { DataSource } from 'typeorm';
import { createDataSource } from '../../src/database/data-source';
import { migrate } from '../../src/database/migrate';
import { defaultSettings } from '../../src/settings/default-settings';
import { opened } from './open-resources';

export interface TestDatabase {
  readonly url: string;
  /** Initialized, with every entity. */
  readonly dataSource: DataSource;
  close(): Promise<void>;
}

const MIGRATIONS_FOLDER = path.resolve(__dirname, '../../migrations');
/** Serializes the making of the template between the workers of all runs. */
const TEMPLATE_LOCK = 8_848_000;

/** A database of its own, cloned from a template that the migrations have made. `migrated: false` gives an empty one. */
export async function createTestDatabase({ migrated = true } = {}): Promise<TestDatabase> {
  const name = `test_${process.env.TRIMTAB_TEST_RUN}_${randomBytes(6).toString('hex')}`;
  const closed = opened(`database ${name}`);
  await withServer(async (server) => {
    if (!migrated) return server.query(`CREATE DATABASE ${name}`);
    const template = await ensureTemplate(server);
    return server.query(`CREATE DATABASE ${name} TEMPLATE ${template} STRATEGY file_copy`);
  });
  const url = urlOf(name);
  const dataSource = await createDataSource(defaultSettings({ databaseUrl: url })).initialize();
  const close = async (): Promise<void> => {
    if (dataSource.isInitialized) await dataSource.destroy();
    await withServer((server) => server.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`));
    closed();
  };
  return { url, dataSource, close };
}

async function ensureTemplate(server: Client): Promise<string> {
  const template = `template_${hashOfMigrations()}`;
  await server.query('SELECT pg_advisory_lock($1)', [TEMPLATE_LOCK]);
  const { rowCount } = await server.query('SELECT FROM pg_database WHERE datname = $1 AND datistemplate', [template]);
  if (rowCount === 0) {
    await server.query(`DROP DATABASE IF EXISTS ${template} WITH (FORCE)`);
    await server.query(`CREATE DATABASE ${template}`);
    const dataSource = await createDataSource(defaultSettings({ databaseUrl: urlOf(template) })).initialize();
    await migrate(dataSource);
    await dataSource.destroy();
    // Said last: a template whose making was cut short is not taken for a whole one.
    await server.query(`ALTER DATABASE ${template} WITH IS_TEMPLATE true ALLOW_CONNECTIONS false`);
  }
  await server.query('SELECT pg_advisory_unlock($1)', [TEMPLATE_LOCK]);
  return template;
}

function hashOfMigrations(): string {
  const hash = createHash('sha256');
  for (const file of readdirSync(MIGRATIONS_FOLDER).sort()) hash.update(file).update(readFileSync(path.join(MIGRATIONS_FOLDER, file)));
  return hash.digest('hex').slice(0, 16);
}

async function withServer<T>(use: (server: Client) => Promise<T>): Promise<T> {
  const server = new Client({ connectionString: urlOf('postgres') });
  await server.connect();
  try {
    return await use(server);
  } finally {
    await server.end();
  }
}

function urlOf(database: string): string {
  const url = new URL(process.env.TRIMTAB_TEST_POSTGRES ?? '');
  url.pathname = `/${database}`;
  return url.href;
}
