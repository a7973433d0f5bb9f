import type { Actor } from '../kernel/actor';
import { entryTag } from '../releases/layer-views';
import { hashOf } from '../releases/layer-entry';
import type { Change } from './change.entity';
import type { ChangeEditView, ChangeSummaryView, PublishView } from './changes.dto';
import { changeTag } from './changes.service';
import type { EntryEdit } from './entry-edit';
import type { PublishResult } from './publisher';
import { approvalsView } from './review.dto';

export function changeSummary(change: Change): ChangeSummaryView {
  const { id, kind, title, status, author, edition, revision, createdAt, updatedAt } = change;
  return { id, kind, title, status, author, edition, revision, createdAt, updatedAt, etag: changeTag(change) };
}

export function editView({ layer, kind, name, next, base }: EntryEdit): ChangeEditView {
  const entry = next && { kind, name, type: next.type, hash: hashOf(next.source) };
  return {
    ...layer,
    kind,
    name,
    baseVersion: base.version,
    next: entry && { name, ...entry.type, etag: entryTag(entry), source: next.source },
  };
}

export function publishView({ revision, layers, impact, truncated, approvals }: PublishResult, actor: Actor): PublishView {
  return {
    ...(revision === undefined ? {} : { revision, convergence: `/api/v1/revisions/${revision}/convergence` }),
    layers,
    impact,
    ...(truncated && { truncated }),
    ...(approvals && { approvals: approvalsView(approvals, actor) }),
  };
}
