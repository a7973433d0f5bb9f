import type { EntityManager } from 'typeorm';
import type { Actor } from '../kernel/actor';
import type { LayerName } from '../kernel/names';
import type { ApprovalNeed } from './approval-need';
import type { Change } from './change.entity';
import type { ReviewStateView } from './review.dto';

/** An edition of a change that is being published. */
export interface EditionToAdmit {
  readonly change: Change;
  /** Every layer it touches: only who may approve on all of them counts. */
  readonly layers: readonly LayerName[];
  readonly need: ApprovalNeed;
  readonly actor: Actor;
  /** Why it shall be published whatever the reviewers say. */
  readonly emergency: string | undefined;
  /** The job that publishes it at its time, if it was scheduled. */
  readonly job: string | undefined;
}

/** Knows what people have said about changes. Bound by whoever keeps their reviews. */
export interface ReviewDesk {
  /**
   * Runs in the transaction that publishes, after the row of the change was locked: what was said of this edition up to
   * then counts, and nothing else can be said before the commit.
   *
   * @returns the names of those whose approvals counted
   * @throws DomainError `changes_requested`, `approval_required`, unless it is an emergency; `schedule_not_found` when the
   * schedule it is published by was taken back
   */
  admit(manager: EntityManager, edition: EditionToAdmit): Promise<string[]>;

  /** What stands of a change, for whoever looks at it. `need` is absent when it could not be told, or is of no interest any more. */
  stateOf(change: Change, layers: readonly LayerName[], need: ApprovalNeed | undefined, actor: Actor): Promise<ReviewStateView>;
}

/** Injection token of the {@link ReviewDesk}. */
export const REVIEW_DESK = Symbol('ReviewDesk');
