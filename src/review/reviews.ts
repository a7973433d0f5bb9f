import { Injectable } from '@nestjs/common';
import { DataSource, IsNull, type EntityManager } from 'typeorm';
import { requireAllowed } from '../access/decide';
import { recordAudit } from '../audit/record-audit';
import type { Change } from '../changes/change.entity';
import { changeTag, lockOpen } from '../changes/changes.service';
import { lastingActor, type Actor, type PersonName } from '../kernel/actor';
import { DomainError } from '../kernel/domain-error';
import { ChangeReview, type Verdict } from './change-review.entity';
import { layersOf } from '../changes/layers-of';
import { StoredReviewDesk } from './review-desk';

export interface NewReview {
  readonly verdict: Verdict;
  readonly edition: number;
  readonly comment: string;
}

/** Takes down what people say about changes. The change is locked meanwhile: nobody edits or publishes it in between. */
@Injectable()
export class Reviews {
  constructor(
    private readonly dataSource: DataSource,
    private readonly desk: StoredReviewDesk,
  ) {}

  /** All there ever were, oldest first, after review `after`. */
  list(changeId: number, after: number, limit: number): Promise<ChangeReview[]> {
    return this.dataSource
      .getRepository(ChangeReview)
      .createQueryBuilder('review')
      .where('review.change_id = :changeId AND review.id > :after', { changeId, after })
      .orderBy('review.id')
      .limit(limit)
      .getMany();
  }

  /**
   * Takes the place of what the same person said before.
   *
   * @throws DomainError `change_not_open`; `precondition_failed` when it has been edited since it was looked at;
   * `approval_not_allowed` for tokens and for those who wrote it
   */
  submit(changeId: number, { verdict, edition, comment }: NewReview, actor: Actor): Promise<ChangeReview> {
    const person = requirePerson(actor);
    return this.dataSource.transaction(async (manager) => {
      const change = await lockOpen(manager, changeId, undefined);
      requireEdition(change, edition);
      // Asked again: edits may have come in since the request was let in.
      const layers = await layersOf(manager, changeId);
      requireAllowed(actor.authority, 'approve', layers);
      if (await this.desk.isWriter(manager, change, actor)) {
        throw new DomainError('approval_not_allowed', `Change ${changeId} was written by you, or with a token that you made: somebody else has to review it.`);
      }
      await withdraw(manager, changeId, person.id);
      const [{ id }] = await manager.query<[{ id: string }]>(
        'INSERT INTO change_review (change_id, edition, verdict, person_id, reviewer, comment) VALUES ($1, $2, $3, $4, $5, $6) RETURNING id',
        [changeId, edition, verdict, person.id, JSON.stringify(lastingActor(actor)), comment],
      );
      await recordAudit(manager, { actor, action: 'change.review', subject: { change: changeId, review: Number(id), verdict, edition, layers } });
      return manager.findOneByOrFail(ChangeReview, { id: Number(id) });
    });
  }

  /** @throws DomainError `review_not_found`; `forbidden` when it is somebody else's */
  async withdraw(changeId: number, reviewId: number, actor: Actor): Promise<void> {
    await this.dataSource.transaction(async (manager) => {
      await lockOpen(manager, changeId, undefined);
      const review = await manager.findOneBy(ChangeReview, { id: reviewId, changeId, withdrawnAt: IsNull() });
      if (!review) throw new DomainError('review_not_found', `Change ${changeId} has no review ${reviewId} that was not withdrawn.`);
      if (review.personId !== actor.person?.id) throw new DomainError('forbidden', 'Only whoever gave a review can withdraw it.');
      const layers = await layersOf(manager, changeId);
      // A tool does for its person what it is limited to, and taking back what was said is as much as saying it.
      if (actor.kind === 'token') requireAllowed(actor.authority, 'approve', layers);
      await withdraw(manager, changeId, review.personId);
      await recordAudit(manager, { actor, action: 'change.review-withdraw', subject: { change: changeId, review: reviewId, verdict: review.verdict, layers } });
    });
  }
}

async function withdraw(manager: EntityManager, changeId: number, personId: string): Promise<void> {
  await manager.query('UPDATE change_review SET withdrawn_at = now() WHERE change_id = $1 AND person_id = $2 AND withdrawn_at IS NULL', [changeId, personId]);
}

function requirePerson({ person }: Actor): PersonName {
  if (person !== undefined) return person;
  throw new DomainError('approval_not_allowed', 'Only people review changes: sign in, or use a personal token. A service token is nobody.');
}

/** What was looked at is what is meant: nobody approves an edit they have not seen. */
export function requireEdition(change: Change, edition: number): void {
  if (change.edition === edition) return;
  throw new DomainError('precondition_failed', `Change ${change.id} is at edition ${change.edition} by now, not ${edition}. Look at it again.`, {
    extra: { edition: change.edition, etag: changeTag(change) },
  });
}
