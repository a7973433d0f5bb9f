import { Injectable } from '@nestjs/common';
import { requireMatch } from '../http/preconditions';
import type { Actor } from '../kernel/actor';
import { ChangeEdits } from './change-edits';
import { changeTag, ChangesService, refuseUnlessOpen } from './changes.service';
import { Publisher, requireRevision, type PublishRequest, type PublishResult } from './publisher';

/** Publishes a draft whole, or shows what that would do. */
@Injectable()
export class ChangePublisher {
  constructor(
    private readonly changes: ChangesService,
    private readonly edits: ChangeEdits,
    private readonly publisher: Publisher,
  ) {}

  async impact(id: number, actor: Actor): Promise<PublishResult> {
    return this.publisher.dryRun(await this.request(id, actor, undefined));
  }

  /** @throws DomainError `change_not_open`, `change_conflict`, `schema_violation`, … with nothing written */
  async publish(id: number, actor: Actor, ifMatch: string | undefined): Promise<PublishResult> {
    const earlier = await this.publisher.earlierPublish(actor);
    if (earlier) return earlier;
    return requireRevision(await this.publisher.publish(await this.request(id, actor, ifMatch)));
  }

  private async request(id: number, actor: Actor, ifMatch: string | undefined): Promise<PublishRequest> {
    const change = await this.changes.show(id);
    refuseUnlessOpen(change);
    requireMatch(ifMatch, changeTag(change));
    const edits = await this.edits.list(id);
    return {
      kind: change.kind,
      message: change.title,
      actor,
      edits: () => Promise.resolve(edits),
      draft: change,
    };
  }
}
