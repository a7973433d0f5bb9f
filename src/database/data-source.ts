import { Socket } from 'node:net';
import { AbstractLogger, DataSource } from 'typeorm';
import type { Settings } from '../settings/settings';
import { entities } from './entities';
import { migrations } from './migrations';

export type DatabaseSettings = Pick<Settings, 'databaseUrl' | 'database'>;

/** A transaction that is left open holds locks others wait for: this ends it even if its process hangs. */
const IDLE_IN_TRANSACTION_TIMEOUT_MS = 10_000;
/** How much longer than the longest statement a connection may be silent. */
const SILENCE_GRACE_MS = 1_000;

/** TypeORM writes some things to the console even with logging off. Failures reach us as errors, and are told once. */
class SilentLogger extends AbstractLogger {
  protected writeLog(): void {}
}

/**
 * The far end of a connection can disappear without a word; a query on it would wait for ever, and what waits for the
 * query with it. Postgres ends every statement in time, so a socket that carries nothing for longer is dead.
 */
function watchedSocket(silenceMs: number): Socket {
  const socket = new Socket();
  socket.setTimeout(silenceMs, () => socket.destroy(new Error('Connection terminated: the database has fallen silent.')));
  return socket;
}

/** The one way to make a DataSource; the caller initializes and destroys it. */
export function createDataSource({ databaseUrl, database }: DatabaseSettings): DataSource {
  if (databaseUrl === undefined) throw new Error('createDataSource needs settings with a databaseUrl.');
  return new DataSource({
    type: 'postgres',
    url: databaseUrl,
    applicationName: 'trimtab',
    entities,
    migrations: [...migrations],
    migrationsTableName: 'migration',
    installExtensions: false,
    logger: new SilentLogger(),
    logging: false,
    poolSize: database.poolSize,
    connectTimeoutMS: database.connectTimeoutMs,
    extra: {
      keepAlive: true,
      stream: () => watchedSocket(database.statementTimeoutMs + SILENCE_GRACE_MS),
      statement_timeout: database.statementTimeoutMs,
      idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_TIMEOUT_MS,
    },
  });
}
