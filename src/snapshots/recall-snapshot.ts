import type { DiskCopy } from '../copy/disk-copy';
import { DomainError } from '../kernel/domain-error';
import type { LayerName } from '../kernel/names';
import { Snapshot, type SnapshotRecord } from './snapshot';
import type { ResolvedSnapshot, SnapshotOrigin } from './snapshot-origin';

/** The snapshot that the disk copy holds of a target, if nothing that is known here has changed it since. */
export function recallSnapshot(copy: DiskCopy, origin: SnapshotOrigin, target: LayerName): ResolvedSnapshot | undefined {
  const position = copy.state?.position ?? 0;
  const found = copy.find(target);
  if (found === undefined || found.dependsOn.some((key) => origin.revisionOf(key) > position)) return undefined;
  try {
    return { snapshot: Snapshot.restore(found.record as SnapshotRecord), dependsOn: new Set(found.dependsOn) };
  } catch {
    return undefined;
  }
}

/** Whether reading failed because of what was asked for, and would fail again; anything else may be the origin's being away. */
export function isAnswer(error: unknown): boolean {
  return error instanceof DomainError && (error.kind === 'not-found' || error.kind === 'invalid');
}
