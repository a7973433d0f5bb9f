import { Injectable } from '@nestjs/common';
import { withTimeLimit } from '../kernel/time-limit';
import { LeaseKeeper } from './lease-keeper';
import { OwnStatus } from './own-status';
import type { ReplicaRecord } from './replica.entity';
import { ReplicaTable } from './replica-table';
import type { ReplicaView, ReplicasView } from './replicas.dto';

/** A database that has not answered by then is away. */
const ANSWER_MS = 5_000;

/** The list of processes, as the one that is asked knows it. */
@Injectable()
export class Replicas {
  constructor(
    private readonly keeper: LeaseKeeper,
    private readonly table: ReplicaTable,
    private readonly own: OwnStatus,
  ) {}

  async list(): Promise<ReplicasView> {
    let living: ReplicaRecord[];
    try {
      living = await withTimeLimit(ANSWER_MS, this.table.living(), 'Reading the replicas');
    } catch {
      return { items: [this.self()], complete: false };
    }
    const items = living.map(viewOf);
    const { id } = this.keeper.identity;
    // Between two leases, or before the first, it is not in the table; it answers all the same.
    return { items: items.some((item) => item.id === id) ? items : [...items, this.self()], complete: true };
  }

  private self(): ReplicaView {
    const { position, connections, listening } = this.own.read();
    return { ...this.keeper.identity, position, lag: null, connections, listener: listening ? 'up' : 'down', renewedAt: new Date() };
  }
}

function viewOf({ lease: _lease, leaseUntil: _until, complete: _complete, listening, ...rest }: ReplicaRecord): ReplicaView {
  return { ...rest, listener: listening ? 'up' : 'down' };
}
