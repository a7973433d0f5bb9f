import { isSameActor, type LastingActor } from '../kernel/actor';
import type { ChangeReview } from './change-review.entity';

/** What the standing reviews of a change come to. */
export interface Tally {
  readonly approvals: readonly ChangeReview[];
  readonly requests: readonly ChangeReview[];
}

export interface TallyBasis {
  readonly edition: number;
  /** Who has written it, by whatever means. */
  readonly writers: readonly LastingActor[];
  /** People who made a token that has written it. */
  readonly makers: ReadonlySet<string>;
  /** People who may approve on every layer of it right now. */
  readonly reviewers: ReadonlySet<string>;
}

/**
 * Whose word counts. An approval is of an edition and of no other. A request for changes stays over editions, because an
 * edit may or may not be what was asked for: whoever asked says so. Neither outlives the right to give it, or somebody who
 * has left could hold up a change for ever.
 */
export function tally(reviews: readonly ChangeReview[], { edition, writers, makers, reviewers }: TallyBasis): Tally {
  const heard = reviews.filter(({ personId, withdrawnAt }) => withdrawnAt === null && reviewers.has(personId));
  return {
    approvals: heard.filter((review) => review.verdict === 'approve' && review.edition === edition && !isWriter(review.reviewer, writers, makers)),
    requests: heard.filter(({ verdict }) => verdict === 'request-changes'),
  };
}

/** Whether somebody had a hand in it, be it by a token of their own making. */
export function isWriter(somebody: LastingActor, writers: readonly LastingActor[], makers: ReadonlySet<string>): boolean {
  return writers.some((writer) => isSameActor(writer, somebody)) || (somebody.person !== undefined && makers.has(somebody.person.id));
}
