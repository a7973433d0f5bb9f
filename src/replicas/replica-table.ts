import { Inject, Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { SETTINGS, type Settings } from '../settings/settings';
import type { LeaseBook, ReplicaIdentity, ReplicaStatus } from './lease-book';
import { ReplicaRecord } from './replica.entity';

/** Condition on a row of `replica`: its lease runs, by the clock of the database. */
export const LIVING = 'lease_until > clock_timestamp()';

/** The leases of all processes, in Postgres. */
@Injectable()
export class ReplicaTable implements LeaseBook {
  constructor(
    private readonly dataSource: DataSource,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {}

  async register(lease: string, identity: ReplicaIdentity, { position, connections, listening }: ReplicaStatus): Promise<void> {
    const { id, kind, host, pid, version, startedAt } = identity;
    await this.dataSource.query(
      `WITH ended AS (DELETE FROM replica WHERE id = $2 AND lease <> $1)
       INSERT INTO replica (lease, id, kind, host, pid, version, started_at, position, lag, connections, listening, complete, renewed_at, lease_until)
       SELECT $1, $2, $3, $4, $5, $6, $7, $8::bigint, greatest(0, head - $8::bigint), $9, $10, false, now, now + $11 * interval '1 ms'
         FROM (SELECT clock_timestamp() AS now, coalesce((SELECT max(id) FROM revision), 0) AS head) book
           ON CONFLICT (lease) DO NOTHING`,
      [lease, id, kind, host, pid, version, startedAt, position, connections, listening, this.settings.replica.leaseMs],
    );
    await this.sweep();
  }

  async renew(lease: string, { position, connections, listening }: ReplicaStatus): Promise<boolean> {
    const [, renewed] = await this.dataSource.query<[unknown, number]>(
      `UPDATE replica
          SET position = $2::bigint, connections = $3, listening = $4,
              lag = greatest(0, coalesce((SELECT max(id) FROM revision), 0) - $2::bigint),
              renewed_at = clock_timestamp(), lease_until = clock_timestamp() + $5 * interval '1 ms'
        WHERE lease = $1 AND ${LIVING}`,
      [lease, position, connections, listening, this.settings.replica.leaseMs],
    );
    await this.sweep();
    return renewed === 1;
  }

  async end(lease: string): Promise<void> {
    await this.dataSource.query('DELETE FROM replica WHERE lease = $1', [lease]);
  }

  /** Says that every instance of the process has been written under this lease. */
  async complete(lease: string): Promise<void> {
    await this.dataSource.query('UPDATE replica SET complete = true WHERE lease = $1 AND NOT complete', [lease]);
  }

  /** Every process whose lease runs, the longest running first. */
  async living(): Promise<ReplicaRecord[]> {
    return this.dataSource.manager.createQueryBuilder(ReplicaRecord, 'replica').where(LIVING).orderBy('replica.startedAt').addOrderBy('replica.id').getMany();
  }

  /** Takes away what has ended. Anybody does; whoever is at it already is left to it. */
  private async sweep(): Promise<void> {
    await this.dataSource.query(
      `DELETE FROM replica WHERE lease IN (SELECT lease FROM replica WHERE NOT ${LIVING} FOR UPDATE SKIP LOCKED)`,
    );
  }
}
