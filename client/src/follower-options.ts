import type { AppliedSnapshot } from './applied-snapshot.js';
import type { ApplierOptions } from './applier.js';
import type { Position, Report } from './protocol.js';
import type { DiskStatus } from './status.js';

/** What a follower asks of the way to its server. */
export interface Link {
  /** Tells the server what became of a revision. */
  report(report: Report): void;
  /** Asks to be brought up to date; null asks for the whole snapshot. */
  resubscribe(since: Position | null): void;
  close(): Promise<void>;
}

/** What a follower asks of the copy on disk. */
export interface SnapshotSink {
  readonly status: DiskStatus;
  save(snapshot: AppliedSnapshot): void;
  flush(): Promise<void>;
}

/** Who reads what the follower has applied. */
export interface Reader {
  /** Another snapshot is in use; called in the same breath as the swap. */
  swapped(previous: AppliedSnapshot | undefined, next: AppliedSnapshot): void;
  /** Runs listeners where they see the newest snapshot. */
  outside(tell: () => void): void;
}

export interface FollowerOptions extends ApplierOptions {
  readonly instanceId: string;
  readonly disk?: SnapshotSink;
}
