import { diffToPatch, type DeltaMessage } from '@trimtab/client/protocol';
import type { FeedSnapshot } from './snapshot-source';

/** The way from one snapshot to the other, or undefined when sending the whole is no longer. */
export function deltaBetween(base: FeedSnapshot, next: FeedSnapshot): DeltaMessage | undefined {
  const { revision, etag, layers } = next;
  const delta: DeltaMessage = {
    type: 'delta',
    from: base.etag,
    revision,
    etag,
    layers,
    patch: diffToPatch(base.documents, next.documents),
  };
  return Buffer.byteLength(JSON.stringify(delta)) < next.body.length ? delta : undefined;
}
