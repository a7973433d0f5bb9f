import type { SecretsNote } from '@trimtab/client/protocol';
import type { LayerName } from '../kernel/names';
import type { Revision } from '../kernel/revision';
import type { ReadTarget } from '../snapshots/delivered-snapshots';
import type { SnapshotRecord, SourceText } from '../snapshots/snapshot';

/** One effective config as the feed needs it. */
export interface FeedSnapshot extends Omit<SnapshotRecord, 'sources' | 'sealed'> {
  /** Part of every message that carries the snapshot. */
  readonly notes?: SecretsNote;
  /** The whole as JSON, ready to write. */
  readonly body: Buffer;
  source(name: string): SourceText | undefined;
}

/** What the feed asks of the snapshots. */
export interface SnapshotSource {
  /** The log revision this process has caught up to. */
  readonly position: Revision;
  /** The snapshot, if it is at hand and the newest as of {@link position}. */
  peek(target: ReadTarget): FeedSnapshot | undefined;
  /** The newest as of {@link position}. */
  get(target: ReadTarget): Promise<FeedSnapshot>;
  getAsOf?(target: ReadTarget, revision: Revision): Promise<FeedSnapshot>;
  explain(target: LayerName): Promise<unknown>;
  /** Catches up at least to `revision`, if there is such a revision. What changed is handed out later. */
  reach(revision: Revision): Promise<void>;
  /** Subscribes first and reads afterwards, so that a change between the two is told, perhaps before this resolves. */
  watch(target: ReadTarget, onChange: (snapshot: FeedSnapshot) => void): Promise<SnapshotWatch>;
}

export interface SnapshotWatch {
  readonly snapshot: FeedSnapshot;
  stop(): void;
}
