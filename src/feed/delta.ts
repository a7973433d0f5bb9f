import { diffToPatch, type DeltaMessage, type JsonPatchOperation } from '@trimtab/client/protocol';
import type { FeedSnapshot } from './snapshot-source';

/** Values compared before giving up: as many as take some tens of milliseconds, during which nobody else is served. */
const MAX_COMPARED = 50_000;

/** What is left of an earlier snapshot. */
export type DeltaBase = Pick<FeedSnapshot, 'etag' | 'documents'>;

/**
 * The way from one snapshot to the other, with its JSON, or undefined when sending the whole is no longer, or finding the
 * way would take too long.
 */
export function deltaBetween(base: DeltaBase, next: FeedSnapshot): { readonly delta: DeltaMessage; readonly json: Buffer } | undefined {
  const { revision, etag, layers, notes } = next;
  const patch = diffToPatch(base.documents, next.documents, MAX_COMPARED);
  if (patch === undefined || leastBytesOf(patch) >= next.body.length) return undefined;
  const delta: DeltaMessage = { type: 'delta', from: base.etag, revision, etag, layers, patch, ...notes };
  const json = Buffer.from(JSON.stringify(delta));
  return json.length < next.body.length ? { delta, json } : undefined;
}

/** So that a large text that was replaced is not serialized only to find out how long it is. */
function leastBytesOf(patch: readonly JsonPatchOperation[]): number {
  return patch.reduce((sum, operation) => sum + ('value' in operation && typeof operation.value === 'string' ? operation.value.length : 0), 0);
}
