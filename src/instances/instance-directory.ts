import { Injectable } from '@nestjs/common';
import type { TransportName } from '../feed/feed-observer';
import { withTimeLimit } from '../kernel/time-limit';
import { LeaseKeeper } from '../replicas/lease-keeper';
import { ReplicaTable } from '../replicas/replica-table';
import type { Instance, InstanceState } from './instance';
import { conditionOf, matcherOf, type InstanceFilter } from './instance-filter';
import { compareKeys, compareText, smallest, type OrderKey } from './instance-order';
import { InstanceRegistry } from './instance-registry';

/** An instance, and the process it is connected to. */
export interface ListedInstance extends Instance {
  readonly replica: string;
}

export interface InstanceListing {
  /** In the order of {@link orderOf}. */
  readonly instances: readonly ListedInstance[];
  /** False when the table cannot be read, or another process has not written all it has yet: there may be more. */
  readonly complete: boolean;
}

interface ListedRow {
  replica: string;
  connection: string;
  service: string;
  environment: string;
  instance_id: string;
  host: string | null;
  library: string | null;
  labels: Record<string, string>;
  transport: TransportName;
  connected_at: Date;
  state: InstanceState;
  applied_revision: string | null;
  revision: string | null;
  etag: string | null;
  reason: string | null;
  reported_at: Date | null;
}

/** A database that has not answered by then is away. */
const ANSWER_MS = 5_000;

/** Finds instances over all processes: the own ones in memory, the others in the table. */
@Injectable()
export class InstanceDirectory {
  constructor(
    private readonly registry: InstanceRegistry,
    private readonly keeper: LeaseKeeper,
    private readonly replicas: ReplicaTable,
  ) {}

  /** The first `limit` that fit, after the place of a cursor. */
  async list(filter: InstanceFilter, after: OrderKey | undefined, limit: number): Promise<InstanceListing> {
    const own = this.own(filter, after, limit);
    try {
      const others = await withTimeLimit(ANSWER_MS, this.others(filter, after, limit), 'Reading the instances');
      return { instances: smallest([...own, ...others.instances], limit, byOrder), complete: others.complete };
    } catch {
      return { instances: own, complete: false };
    }
  }

  private own(filter: InstanceFilter, after: OrderKey | undefined, limit: number): ListedInstance[] {
    const { id: replica } = this.keeper.identity;
    const fits = matcherOf(filter);
    const { registry } = this;
    const found = function* (): Generator<Instance> {
      for (const peers of registry.targets()) {
        for (const instance of peers) if (fits(instance) && (after === undefined || isAfter(instance, replica, after))) yield instance;
      }
    };
    return smallest(found(), limit, compareInstances).map((instance) => listed(instance, replica));
  }

  private async others(filter: InstanceFilter, after: OrderKey | undefined, limit: number): Promise<InstanceListing> {
    const condition = conditionOf(filter, 9);
    const place = `i.service, i.environment, i.instance_id, i.connection, r.id::text COLLATE "C"`;
    const { rows, complete } = await this.replicas.readOthers<ListedRow>(this.keeper.identity.id, {
      columns: 'r.id AS replica, i.*',
      where: `${condition.sql} AND ($3::text IS NULL OR (${place}) > ($3, $4, $5, $6, $7))`,
      rest: `ORDER BY ${place} LIMIT $8`,
      values: [...(after ?? [null, null, null, null, null]), limit, ...condition.values],
    });
    return { instances: rows.map(instanceOf), complete };
  }
}

export function orderOf({ service, environment, info, connection, replica }: ListedInstance): OrderKey {
  return [service, environment, info.id, connection, replica];
}

function byOrder(a: ListedInstance, b: ListedInstance): number {
  return compareInstances(a, b) || compareText(a.replica, b.replica);
}

/** The same order without a key for each: a page may be looked for among ten thousand. */
function compareInstances(a: Instance, b: Instance): number {
  return compareText(a.service, b.service) || compareText(a.environment, b.environment) || compareText(a.info.id, b.info.id) || compareText(a.connection, b.connection);
}

function isAfter({ service, environment, info, connection }: Instance, replica: string, after: OrderKey): boolean {
  return compareKeys([service, environment, info.id, connection, replica], after) > 0;
}

/** As it is now: what is shown does not change while it is being written out. */
function listed({ connection, service, environment, info, transport, connectedAt, state, revision, etag, appliedRevision, reason, reportedAt }: Instance, replica: string): ListedInstance {
  return { replica, connection, service, environment, info, transport, connectedAt, state, revision, etag, appliedRevision, reason, reportedAt };
}

function instanceOf(row: ListedRow): ListedInstance {
  const { replica, connection, service, environment, labels, transport, state } = row;
  return {
    replica,
    connection,
    service,
    environment,
    info: { id: row.instance_id, labels, ...(row.host === null ? {} : { host: row.host }), ...(row.library === null ? {} : { library: row.library }) },
    transport,
    connectedAt: row.connected_at,
    state,
    appliedRevision: row.applied_revision === null ? undefined : Number(row.applied_revision),
    revision: row.revision === null ? undefined : Number(row.revision),
    etag: row.etag ?? undefined,
    reason: row.reason ?? undefined,
    reportedAt: row.reported_at ?? undefined,
  };
}
