import type { LayerName } from '../kernel/names';
import type { Revision } from '../kernel/revision';
import type { Snapshot } from './snapshot';

/** A snapshot, and the keys whose next move could change it. */
export interface ResolvedSnapshot {
  readonly snapshot: Snapshot;
  readonly dependsOn: ReadonlySet<string>;
}

/** Keys that a step of the log has moved, all of them at once, and the position after it. */
export type OriginListener = (keys: readonly string[], position: Revision) => void;

/** Where this process has its snapshots from: the log itself, or what was distributed of it. */
export interface SnapshotOrigin {
  /** The log revision up to which everything is known here. It never goes back. */
  readonly position: Revision;
  /** The newest revision that moved the key; 0 when none is known. */
  revisionOf(key: string): Revision;
  /** Tells of every move after it is applied, in the order of the log. Returns how to stop it. */
  onMove(listener: OriginListener): () => void;
  /** Resolves once everything up to `revision` is known; a revision that does not come ends the wait too. */
  reach(revision: Revision): Promise<void>;
  /** Resolves the newest. Parts that move meanwhile are the caller's to notice. @throws DomainError `service_not_found`, `environment_not_found` */
  read(target: LayerName): Promise<ResolvedSnapshot>;
  /** As it was right after a revision. @throws DomainError `revision_not_found` as well */
  readAsOf(target: LayerName, revision: Revision): Promise<Snapshot>;
  /** Where every key comes from. */
  explain(target: LayerName): Promise<unknown>;
}

/** Injection token of the {@link SnapshotOrigin}. */
export const SNAPSHOT_ORIGIN = Symbol('SnapshotOrigin');
