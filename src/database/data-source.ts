import { AbstractLogger, DataSource } from 'typeorm';
import type { Settings } from '../settings/settings';
import { entities } from './entities';
import { migrations } from './migrations';

export type DatabaseSettings = Pick<Settings, 'databaseUrl' | 'database'>;

/** A transaction that is left open holds locks others wait for: this ends it even if its process hangs. */
const IDLE_IN_TRANSACTION_TIMEOUT_MS = 10_000;

/** TypeORM writes some things to the console even with logging off. Failures reach us as errors, and are told once. */
class SilentLogger extends AbstractLogger {
  protected writeLog(): void {}
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
      statement_timeout: database.statementTimeoutMs,
      idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_TIMEOUT_MS,
    },
  });
}
