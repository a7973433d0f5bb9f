import type { Socket } from 'node:net';
import { type DataSource, MigrationExecutor } from 'typeorm';
import { ADVISORY_LOCKS } from './advisory-locks';

/**
 * Runs the pending migrations, oldest first, and returns their names. Any number of processes may call this at the
 * same time: one runs them, the others wait and find nothing left to do.
 *
 * Lock and migrations share one session on purpose: when the connection is lost, the lock goes exactly when the open
 * transaction is rolled back. Each migration has a transaction of its own together with its row in the migration
 * table, so a run that was killed leaves whole migrations only and the next run goes on from there.
 */
export async function migrate(dataSource: DataSource): Promise<string[]> {
  const runner = dataSource.createQueryRunner();
  try {
    const { stream } = ((await runner.connect()) as { connection: { stream: Socket } }).connection;
    const { timeout = 0 } = stream;
    // Building an index may take long, in silence.
    stream.setTimeout(0);
    await runner.query('SET statement_timeout = 0');
    await runner.query('SELECT pg_advisory_lock($1, $2)', [...ADVISORY_LOCKS.migration]);
    try {
      const executor = new MigrationExecutor(dataSource, runner);
      executor.transaction = 'each';
      const done = await executor.executePendingMigrations();
      return done.map(({ name }) => name);
    } finally {
      // The session goes back to the pool: leave nothing of ours in it. A lost connection has already done so.
      await runner.query('SELECT pg_advisory_unlock($1, $2)', [...ADVISORY_LOCKS.migration]).catch(() => undefined);
      await runner.query('RESET statement_timeout').catch(() => undefined);
      stream.setTimeout(timeout);
    }
  } finally {
    await runner.release();
  }
}
