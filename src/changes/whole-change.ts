import { Inject, Injectable } from '@nestjs/common';
import type { Actor } from '../kernel/actor';
import { DomainError } from '../kernel/domain-error';
import type { ApprovalNeed } from './approval-need';
import { ChangeEdits } from './change-edits';
import { changeSummary, editView } from './change-views';
import type { Change } from './change.entity';
import type { ChangeView } from './changes.dto';
import type { EntryEdit } from './entry-edit';
import { Publisher } from './publisher';
import { layersIn } from './layers-of';
import { REVIEW_DESK, type ReviewDesk } from './review-desk';
import type { ReviewStateView } from './review.dto';

/** A change as it is looked at: what it would do, what was said of it, and whether it can be published. */
@Injectable()
export class WholeChange {
  constructor(
    private readonly edits: ChangeEdits,
    private readonly publisher: Publisher,
    @Inject(REVIEW_DESK) private readonly desk: ReviewDesk,
  ) {}

  async view(change: Change, actor: Actor): Promise<ChangeView> {
    const edits = await this.edits.list(change.id);
    return { ...changeSummary(change), contributors: change.contributors, review: await this.review(change, edits, actor), edits: edits.map(editView) };
  }

  private async review(change: Change, edits: readonly EntryEdit[], actor: Actor): Promise<ReviewStateView> {
    const layers = layersIn(edits);
    let need: ApprovalNeed | undefined;
    let fault: DomainError | undefined;
    try {
      if (change.status === 'open') need = await this.publisher.need(edits, actor);
    } catch (error) {
      // A conflict, a violated schema: publishing would say the same, and the change has to be seen to be mended.
      if (!(error instanceof DomainError)) throw error;
      fault = error;
    }
    const state = await this.desk.stateOf(change, layers, need, actor);
    if (!fault) return state;
    return { ...state, mayPublish: false, reasons: [{ code: fault.code, detail: fault.message }, ...state.reasons] };
  }
}
