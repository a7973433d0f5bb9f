import { Inject, Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { SETTINGS, type Settings } from '../settings/settings';
import type { LeaseBook, ReplicaIdentity, ReplicaStatus } from './lease-book';
import { ReplicaRecord } from './replica.entity';

/** Condition on a row of `replica`: its lease runs, by the clock of the database. */
const LIVING = 'lease_until > clock_timestamp()';

/** What is asked of the instances of other processes, in terms of `r`, a row of `replica`, and `i`, one of `instance`. */
export interface OthersQuery {
  readonly columns: string;
  readonly where?: string;
  /** Grouping, order and limit. The order is not that of the rows that are read. */
  readonly rest?: string;
  /** From `$3` on. */
  readonly values?: readonly unknown[];
}

/** The leases of all processes, in Postgres. */
@Injectable()
export class ReplicaTable implements LeaseBook {
  constructor(
    private readonly dataSource: DataSource,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {}

  async register(lease: string, identity: ReplicaIdentity, { position, connections, listening }: ReplicaStatus): Promise<void> {
    await this.dataSource.query('INSERT INTO replica_book (begun_at) VALUES (clock_timestamp()) ON CONFLICT DO NOTHING');
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
  living(): Promise<ReplicaRecord[]> {
    return this.dataSource.manager.createQueryBuilder(ReplicaRecord, 'replica').where(LIVING).orderBy('replica.startedAt').addOrderBy('replica.id').getMany();
  }

  /**
   * Runs `select` over `replica r JOIN instance i USING (lease)` of every living process but `id`, and says whether those
   * are all there are, as of the same moment: a process that registers anew in between takes its rows away with it.
   *
   * They are not all before each process has written all it has, and, after a crash of Postgres has emptied the table, not
   * before a lease has passed: until then a process may live that has not noticed. Values of `select` begin at `$3`.
   */
  async readOthers<Row extends object>(id: string, select: OthersQuery): Promise<{ rows: Row[]; complete: boolean }> {
    const { columns, where = 'true', rest = '', values = [] } = select;
    const rows = await this.dataSource.query<(Row & { found: true | null; complete: boolean })[]>(
      `SELECT book.complete, others.*
         FROM (SELECT EXISTS (SELECT FROM replica_book WHERE begun_at < clock_timestamp() - $2 * interval '1 ms')
                  AND NOT EXISTS (SELECT FROM replica WHERE id <> $1 AND NOT complete AND ${LIVING}) AS complete) book
         LEFT JOIN (SELECT true AS found, ${columns}
                      FROM replica r JOIN instance i USING (lease)
                     WHERE r.id <> $1 AND r.${LIVING} AND ${where} ${rest}) others ON true`,
      [id, this.settings.replica.leaseMs, ...values],
    );
    return { rows: rows.filter(({ found }) => found === true), complete: rows[0]?.complete === true };
  }

  /** Takes away what has ended. Anybody does; whoever is at it already is left to it. */
  private async sweep(): Promise<void> {
    await this.dataSource.query(
      `DELETE FROM replica WHERE lease IN (SELECT lease FROM replica WHERE NOT ${LIVING} FOR UPDATE SKIP LOCKED)`,
    );
  }
}
