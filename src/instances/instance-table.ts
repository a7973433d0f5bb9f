import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { ReplicaTable } from '../replicas/replica-table';
import type { Instance, InstanceBatch, InstanceWriter } from './instance';

const FOREIGN_KEY_VIOLATION = '23503';

/** The instances of all processes, in Postgres, each batch in one statement. */
@Injectable()
export class InstanceTable implements InstanceWriter {
  constructor(
    private readonly dataSource: DataSource,
    private readonly replicas: ReplicaTable,
  ) {}

  /**
   * Writes a batch of the process that holds `lease`, be it this one, another replica or an edge: what is told of
   * connections replaces what was there, and those that are gone go.
   */
  async write(lease: string, { present, gone }: InstanceBatch): Promise<boolean> {
    try {
      await this.dataSource.query(
        `WITH ended AS (DELETE FROM instance WHERE lease = $1 AND connection = ANY($2::text[]))
         INSERT INTO instance AS i (lease, connection, service, environment, instance_id, host, library, labels, transport,
                                    connected_at, state, applied_revision, revision, etag, reason, reported_at)
         SELECT $1, r.*
           FROM json_to_recordset($3) AS r (
             c text, s text, e text, i text, h text, l text, a jsonb, t text,
             f timestamptz, st text, ar bigint, r bigint, et text, y text, at timestamptz)
             ON CONFLICT (lease, connection) DO UPDATE
            SET (host, library, labels, state, applied_revision, revision, etag, reason, reported_at) =
                (excluded.host, excluded.library, excluded.labels, excluded.state, excluded.applied_revision,
                 excluded.revision, excluded.etag, excluded.reason, excluded.reported_at)`,
        [lease, gone, JSON.stringify(present.map(rowOf))],
      );
      return true;
    } catch (error) {
      if ((error as { driverError?: { code?: string } }).driverError?.code === FOREIGN_KEY_VIOLATION) return false;
      throw error;
    }
  }

  complete(lease: string): Promise<void> {
    return this.replicas.complete(lease);
  }
}

/** Short names: thousands of rows travel in one statement. */
function rowOf({ connection, service, environment, info, transport, connectedAt, state, appliedRevision, revision, etag, reason, reportedAt }: Instance): object {
  return {
    c: connection,
    s: service,
    e: environment,
    i: info.id,
    h: info.host,
    l: info.library,
    a: info.labels ?? {},
    t: transport,
    f: connectedAt,
    st: state,
    ar: appliedRevision,
    r: revision,
    et: etag,
    y: reason,
    at: reportedAt,
  };
}
