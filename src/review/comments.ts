import { Injectable } from '@nestjs/common';
import { DataSource, IsNull } from 'typeorm';
import { recordAudit } from '../audit/record-audit';
import { layersOf } from '../changes/layers-of';
import { isSameActor, lastingActor, type Actor } from '../kernel/actor';
import { DomainError } from '../kernel/domain-error';
import { ChangeComment, type CommentPlace } from './change-comment.entity';

/** Keeps what people say beside a change, also after it was closed. */
@Injectable()
export class Comments {
  constructor(private readonly dataSource: DataSource) {}

  /** Oldest first, after comment `after`; those that were deleted as well, without their text. */
  list(changeId: number, after: number, limit: number): Promise<ChangeComment[]> {
    return this.dataSource
      .getRepository(ChangeComment)
      .createQueryBuilder('comment')
      .where('comment.change_id = :changeId AND comment.id > :after', { changeId, after })
      .orderBy('comment.id')
      .limit(limit)
      .getMany();
  }

  add(changeId: number, text: string, place: CommentPlace | undefined, actor: Actor): Promise<ChangeComment> {
    return this.dataSource.transaction(async (manager) => {
      const [{ id }] = await manager.query<[{ id: string }]>(
        'INSERT INTO change_comment (change_id, author, text, place) VALUES ($1, $2, $3, $4) RETURNING id',
        [changeId, JSON.stringify(lastingActor(actor)), text, place ? JSON.stringify(place) : null],
      );
      await recordAudit(manager, { actor, action: 'change.comment', subject: { change: changeId, comment: Number(id), layers: await layersOf(manager, changeId) } });
      return manager.findOneByOrFail(ChangeComment, { id: Number(id) });
    });
  }

  /** @throws DomainError `comment_not_found`; `forbidden` when it is somebody else's */
  async delete(changeId: number, commentId: number, actor: Actor): Promise<void> {
    await this.dataSource.transaction(async (manager) => {
      const comment = await manager.findOneBy(ChangeComment, { id: commentId, changeId, deletedAt: IsNull() });
      if (!comment) throw new DomainError('comment_not_found', `Change ${changeId} has no comment ${commentId} that was not deleted.`);
      if (!isSameActor(comment.author, actor)) throw new DomainError('forbidden', 'Only whoever wrote a comment can delete it.');
      // The text goes for good: it may be deleted because of what it says.
      await manager.query(`UPDATE change_comment SET text = '', deleted_at = now() WHERE id = $1`, [commentId]);
      await recordAudit(manager, { actor, action: 'change.comment-delete', subject: { change: changeId, comment: commentId, layers: await layersOf(manager, changeId) } });
    });
  }
}
