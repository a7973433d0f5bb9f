import type { Actor } from '../kernel/actor';
import { DomainError } from '../kernel/domain-error';
import { layerKey } from '../kernel/names';
import type { ApprovalNeed } from './approval-need';
import { visible } from './review.dto';

const MAX_NAMED = 3;

interface Lacking {
  readonly need: ApprovalNeed;
  readonly have: number;
  /** Of a write that is published at once there is nothing that could be approved. */
  readonly isChange: boolean;
}

/** Says which protected configs would change, as far as the actor may see them, and what to do. */
export function approvalRequired({ need: { needed, reached }, have, isChange }: Lacking, { authority }: Actor): DomainError {
  const shown = visible(reached, authority);
  const named = shown.slice(0, MAX_NAMED).map(layerKey).join(', ');
  const more = shown.length > MAX_NAMED ? ` and ${shown.length - MAX_NAMED} more` : '';
  const what = shown.length === 0 ? 'A protected environment' : `What is protected (${named}${more})`;
  const approvals = needed === 1 ? '1 approval' : `${needed} approvals`;
  const next = isChange
    ? `has ${have} of ${approvals} by people other than those who wrote it. Ask for a review.`
    : `needs ${approvals}, which only a change can get: POST /api/v1/changes, edit, have it reviewed, publish.`;
  return new DomainError('approval_required', `${what} would change, and this ${next}`, { extra: { approvals: { needed, have, reached: shown } } });
}
