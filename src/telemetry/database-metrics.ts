import { Injectable } from '@nestjs/common';
import type { Pool } from 'pg';
import { Registry } from 'prom-client';
import { DataSource } from 'typeorm';
import { Collected } from './collected';

/** The connections to Postgres: too few of them is the first thing a busy process waits for. */
@Injectable()
export class DatabaseMetrics {
  constructor(registry: Registry, dataSource: DataSource) {
    const collected = new Collected(registry);
    const pool = (): Pool | undefined => (dataSource.driver as unknown as { readonly master?: Pool }).master;
    collected.gauges('trimtab_database_pool_connections', 'Connections to the database, in use and idle.', 'state', () => {
      const { totalCount = 0, idleCount = 0 } = pool() ?? {};
      return { used: totalCount - idleCount, idle: idleCount };
    });
    collected.gauge('trimtab_database_pool_limit', 'Most connections there may be.', () => pool()?.options.max ?? 0);
    collected.gauge('trimtab_database_pool_waiting', 'Who waits for a connection.', () => pool()?.waitingCount ?? 0);
  }
}
