import { Injectable } from '@nestjs/common';
import { Feed } from '../feed/feed';
import { LogListener } from '../notify/log-listener';
import { SnapshotStore } from '../snapshots/snapshot-store';
import type { ReplicaStatus } from './lease-book';

/** How this process stands right now. */
@Injectable()
export class OwnStatus {
  constructor(
    private readonly snapshots: SnapshotStore,
    private readonly feed: Feed,
    private readonly log: LogListener,
  ) {}

  read(): ReplicaStatus {
    const { connections } = this.feed.counters;
    return {
      position: this.snapshots.position,
      connections: Object.values(connections).reduce((sum, count) => sum + count, 0),
      listening: this.log.connected,
    };
  }
}
