import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import type { ChangeLayers } from '../access/change-layers';
import { requireAllowed } from '../access/decide';
import type { Actor } from '../kernel/actor';
import type { Permission } from '../kernel/authority';
import { DomainError } from '../kernel/domain-error';
import { changeNotFound, isSeenBy, type SeenChange } from './seen-changes';

/** The layers that the edits of a change touch, as they are stored now. */
@Injectable()
export class StoredChangeLayers implements ChangeLayers {
  constructor(private readonly dataSource: DataSource) {}

  async require(actor: Actor, permission: Permission, id: string): Promise<void> {
    const change = await this.find(id);
    if (change === undefined || !isSeenBy(actor, change)) throw changeNotFound(id);
    requireAllowed(actor.authority, permission, change.layers);
  }

  private async find(id: string): Promise<SeenChange | undefined> {
    // In its one spelling: what is asked here is what is looked up later.
    if (!/^[1-9]\d{0,15}$/.test(id) || !Number.isSafeInteger(Number(id))) throw new DomainError('malformed_request', 'id must be the whole number of a change.', { pointer: '/id' });
    const [change] = await this.dataSource.query<SeenChange[]>(
      `SELECT c.author, coalesce((SELECT jsonb_agg(DISTINCT jsonb_build_object('service', s.name, 'environment', n.name))
                                    FROM change_edit e JOIN service s ON s.id = e.service_id JOIN environment n ON n.id = e.environment_id
                                   WHERE e.change_id = c.id), '[]') AS layers
         FROM change c WHERE c.id = $1`,
      [id],
    );
    return change;
  }
}
