import { Injectable } from '@nestjs/common';
import { requireAllowed } from '../access/decide';
import { requireMatch } from '../http/preconditions';
import type { Actor } from '../kernel/actor';
import type { Permission } from '../kernel/authority';
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
    return this.publisher.dryRun(await this.request(id, actor, 'view', undefined));
  }

  /** @throws DomainError `change_not_open`, `change_conflict`, `schema_violation`, … with nothing written */
  async publish(id: number, actor: Actor, ifMatch: string | undefined, how: Pick<PublishRequest, 'emergency' | 'job'> = {}): Promise<PublishResult> {
    const earlier = await this.publisher.earlierPublish(actor);
    if (earlier) return earlier;
    const request = await this.request(id, actor, 'publish', ifMatch);
    return requireRevision(await this.publisher.publish({ ...request, ...how }));
  }

  private async request(id: number, actor: Actor, permission: Permission, ifMatch: string | undefined): Promise<PublishRequest> {
    const change = await this.changes.show(id);
    refuseUnlessOpen(change);
    requireMatch(ifMatch, changeTag(change));
    const edits = await this.edits.list(id);
    // Asked again: edits may have come in since the request was let in.
    requireAllowed(actor.authority, permission, edits.map(({ layer }) => layer));
    return {
      kind: change.kind,
      message: change.title,
      actor,
      edits: () => Promise.resolve(edits),
      draft: change,
    };
  }
}
