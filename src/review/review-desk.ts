import { Injectable } from '@nestjs/common';
import { DataSource, IsNull, type EntityManager } from 'typeorm';
import { Standing } from '../access/standing';
import { approvalRequired } from '../changes/approval-required';
import type { ApprovalNeed } from '../changes/approval-need';
import type { Change } from '../changes/change.entity';
import type { EditionToAdmit, ReviewDesk } from '../changes/review-desk';
import { approvalsView, type BlockerView, type ReviewStateView, type ScheduleView } from '../changes/review.dto';
import { isSameActor, lastingActor, type Actor, type LastingActor } from '../kernel/actor';
import { DomainError } from '../kernel/domain-error';
import { layerKey, type LayerName } from '../kernel/names';
import { ChangeComment } from './change-comment.entity';
import { ChangeReview } from './change-review.entity';
import { ChangeSchedule } from './change-schedule.entity';
import { isWriter, tally, type Tally } from './tally';

const WITHHELD = 'It could not be published at its time. Whoever scheduled it sees why; so does a dry run, as far as you may view what it reaches.';

/** Says of a change whether its reviewers let it pass. */
@Injectable()
export class StoredReviewDesk implements ReviewDesk {
  constructor(
    private readonly dataSource: DataSource,
    private readonly standing: Standing,
  ) {}

  async admit(manager: EntityManager, { change, layers, need, actor, emergency, job }: EditionToAdmit): Promise<string[]> {
    if (job !== undefined) await requireScheduled(manager, change, job);
    const found = await this.tally(manager, change, layers);
    const [refusal] = emergency === undefined ? refusals(found, need, actor) : [];
    if (refusal) throw refusal;
    return found.approvals.map(({ reviewer }) => reviewer.person?.name ?? reviewer.name);
  }

  async stateOf(change: Change, layers: readonly LayerName[], need: ApprovalNeed | undefined, actor: Actor): Promise<ReviewStateView> {
    const { manager } = this.dataSource;
    const found = await this.tally(manager, change, layers);
    const counting = new Set([...found.approvals, ...found.requests]);
    const reasons = change.status === 'open' ? this.reasons(found, layers, need, actor) : [notOpen(change)];
    const schedule = await manager.findOneBy(ChangeSchedule, { changeId: change.id });
    return {
      reviews: found.standing.map((review) => ({ ...shown(review), counts: counting.has(review) })),
      ...(need && { approvals: { ...approvalsView(need, actor), have: found.approvals.length } }),
      mayPublish: reasons.length === 0,
      reasons,
      ...(schedule && { schedule: scheduleView(schedule, change, actor) }),
      comments: await manager.countBy(ChangeComment, { changeId: change.id, deletedAt: IsNull() }),
    };
  }

  /** Whether somebody had a hand in a change: their approval would not count. */
  async isWriter(manager: EntityManager, change: Change, somebody: Actor): Promise<boolean> {
    const writers = [change.author, ...change.contributors];
    return isWriter(lastingActor(somebody), writers, await this.makersAmong(manager, writers));
  }

  private reasons(found: Tally, layers: readonly LayerName[], need: ApprovalNeed | undefined, actor: Actor): BlockerView[] {
    const reasons = (need ? refusals(found, need, actor) : []).map(({ code, message }) => ({ code, detail: message }));
    const closed = layers.find((layer) => !actor.authority.allows('publish', layer));
    if (closed) reasons.unshift({ code: 'forbidden', detail: `You may not publish on ${layerKey(closed)}.` });
    return reasons;
  }

  private async tally(manager: EntityManager, change: Change, layers: readonly LayerName[]): Promise<Tally & { standing: readonly ChangeReview[] }> {
    const standing = await manager.find(ChangeReview, { where: { changeId: change.id, withdrawnAt: IsNull() }, order: { id: 'ASC' } });
    if (standing.length === 0) return { standing, approvals: [], requests: [] };
    const authorities = await this.standing.ofPeople(manager, standing.map(({ personId }) => personId));
    const reviewers = new Set([...authorities].filter(([, authority]) => layers.every((layer) => authority.allows('approve', layer))).map(([id]) => id));
    const writers = [change.author, ...change.contributors];
    return { standing, ...tally(standing, { edition: change.edition, writers, reviewers, makers: await this.makersAmong(manager, writers) }) };
  }

  private makersAmong(manager: EntityManager, writers: readonly LastingActor[]): Promise<Set<string>> {
    return this.standing.makersOf(manager, writers.filter(({ kind, person }) => kind === 'token' && person === undefined).map(({ id }) => id));
  }
}

/** What stands in the way of publishing, the gravest first. */
function refusals({ approvals, requests }: Tally, need: ApprovalNeed, actor: Actor): DomainError[] {
  const refusing: DomainError[] = [];
  if (requests.length > 0) {
    const names = requests.map(({ reviewer }) => reviewer.person?.name ?? reviewer.name);
    refusing.push(
      new DomainError('changes_requested', `${names.join(', ')} asked for changes. Publishing waits until they approve it or withdraw their request.`, {
        extra: { requestedBy: requests.map(({ id, reviewer }) => ({ review: id, reviewer })) },
      }),
    );
  }
  if (approvals.length < need.needed) refusing.push(approvalRequired({ need, have: approvals.length, isChange: true }, actor));
  return refusing;
}

/** A schedule that was taken back while its time came is not kept. The change is locked, so it cannot be taken back after this. */
async function requireScheduled(manager: EntityManager, { id }: Change, jobId: string): Promise<void> {
  if (await manager.existsBy(ChangeSchedule, { changeId: id, jobId })) return;
  throw new DomainError('schedule_not_found', `Change ${id} is no longer scheduled.`);
}

function shown({ id, verdict, edition, reviewer, comment, createdAt }: ChangeReview): Omit<ReviewStateView['reviews'][number], 'counts'> {
  return { id, verdict, edition, reviewer, comment, createdAt };
}

function notOpen({ id, status }: Change): BlockerView {
  return { code: 'change_not_open', detail: `Change ${id} was ${status}.` };
}

/** What failed is told in full to who scheduled it, as whom it was tried, and to whoever may view everything: it may name what others may not view. */
export function scheduleView({ at, edition, scheduledBy, failure }: ChangeSchedule, change: Change, actor: Actor): ScheduleView {
  const isTold = isSameActor(scheduledBy, actor) || actor.authority.allowsEverywhere('view');
  const state = change.status !== 'open' ? 'done' : failure ? 'failed' : edition === change.edition ? 'waiting' : 'void';
  return { at, state, edition, scheduledBy, ...(failure && { failure: isTold ? failure : { code: failure.code, detail: WITHHELD } }) };
}
