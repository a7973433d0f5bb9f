import { rmSync } from 'node:fs';
import path from 'node:path';
import { Client } from 'pg';
import { EmbeddedPostgres } from '../../src/database/embedded-postgres';
import { isAlive } from '../../src/database/postmaster';

/** Kept between runs, so that only the first one pays for initdb; runs at the same time share it. */
const FOLDER = path.resolve(__dirname, '../../.trimtab/test');

/** Nothing here has to survive a crash of the machine, and many servers connect at once. */
const PARAMETERS = {
  fsync: 'off',
  full_page_writes: 'off',
  synchronous_commit: 'on',
  autovacuum: 'off',
  shared_buffers: '64MB',
  max_connections: '400',
};

declare global {
  var testPostgres: EmbeddedPostgres | undefined;
}

export default async function globalSetup(): Promise<void> {
  // As for the server itself: with a Postgres given, none is started. Its databases are left alone, ours are dropped.
  const given = process.env.DATABASE_URL;
  if (given === undefined) globalThis.testPostgres = await start();
  const url = given ?? globalThis.testPostgres!.url;
  process.env.TRIMTAB_TEST_POSTGRES = url;
  process.env.TRIMTAB_TEST_RUN = String(process.pid);
  await dropAbandoned(url);
}

async function start(): Promise<EmbeddedPostgres> {
  const options = { folder: FOLDER, parameters: PARAMETERS };
  try {
    return await EmbeddedPostgres.start(options);
  } catch {
    // Without fsync a crash of the machine may have damaged it; it holds nothing that cannot be made again.
    rmSync(FOLDER, { recursive: true, force: true });
    return EmbeddedPostgres.start(options);
  }
}

/** Databases carry the pid of the run they belong to: those of runs that were killed go. */
async function dropAbandoned(url: string): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  const { rows } = await client.query<{ datname: string }>("SELECT datname FROM pg_database WHERE datname LIKE 'test\\_%'");
  for (const { datname } of rows) {
    if (isAlive(Number(datname.split('_')[1]))) continue;
    await client.query(`DROP DATABASE IF EXISTS ${datname} WITH (FORCE)`);
  }
  await client.end();
}
