import type { EntityManager } from 'typeorm';
import { recordAudits } from '../audit/record-audit';
import type { LayerName } from '../kernel/names';
import type { Published } from '../releases/release-log';
import type { ApprovalNeed } from './approval-need';
import type { Change } from './change.entity';
import { markPublished, recordPublishedChanges } from './change-recorder';
import type { EntryEdit } from './entry-edit';
import { layersIn } from './layers-of';
import type { ReviewDesk } from './review-desk';

export interface PublishedLayer extends LayerName {
  readonly version: number;
}

/** What a proposal carries to its commit. */
export interface PublishPayload {
  readonly draft: Change | undefined;
  readonly edits: readonly EntryEdit[];
  readonly layers: readonly PublishedLayer[];
  readonly need: ApprovalNeed;
  readonly job: string | undefined;
}

/** Writes what a commit publishes into the changes and the audit, with as few statements as there can be. */
export async function recordPublished(manager: EntityManager, published: readonly Published<PublishPayload>[], desk: ReviewDesk): Promise<void> {
  const own = published.filter(({ proposal }) => proposal.payload.draft === undefined);
  if (own.length > 0) {
    await recordPublishedChanges(
      manager,
      own.map(({ proposal, revision }) => ({
        kind: proposal.kind,
        title: proposal.message,
        author: proposal.actor,
        revision,
        edits: proposal.payload.edits,
      })),
    );
  }
  const approvedBy = new Map<Published<PublishPayload>, string[]>();
  for (const one of published) {
    const { proposal: { actor, emergency, payload: { draft, edits, need, job } }, revision } = one;
    if (!draft) continue;
    // First, because it locks the change: whatever else was said or done to it is committed, or comes after.
    await markPublished(manager, draft, revision);
    approvedBy.set(one, await desk.admit(manager, { change: draft, layers: layersIn(edits), need, actor, emergency, job }));
  }
  await recordAudits(
    manager,
    published.map((one) => {
      const { proposal: { actor, kind, message, emergency, payload: { draft, layers, need, job } }, revision } = one;
      const review = need.needed === 0 ? {} : { approvals: { needed: need.needed, by: approvedBy.get(one) ?? [] } };
      const subject = { kind, message, ...(draft && { change: draft.id }), ...review, ...(job === undefined ? {} : { scheduled: true }) };
      const changed = { layers: layers.map(({ version, ...layer }) => ({ ...layer, before: version - 1, version })) };
      if (emergency === undefined) return { actor, action: 'change.publish', subject, changed, revision };
      return { actor, action: 'change.publish-emergency', subject: { ...subject, emergency }, changed, revision };
    }),
  );
}
