import { Injectable } from '@nestjs/common';
import { DataSource, In, type EntityManager } from 'typeorm';
import { recordAudit, type AuditEntry } from '../audit/record-audit';
import { Catalog } from '../catalog/catalog';
import { entityTag, requireMatch } from '../http/preconditions';
import { isSameActor, lastingActor, type Actor, type LastingActor } from '../kernel/actor';
import { DomainError } from '../kernel/domain-error';
import type { RevisionKind } from '../releases/revision.entity';
import { Change, type ChangeStatus } from './change.entity';
import { saveEdits } from './change-recorder';
import type { EntryEdit } from './entry-edit';
import { layersIn, layersOf } from './layers-of';
import { seenChanges } from './seen-changes';

/** Opens, lists, renames and discards changes. */
@Injectable()
export class ChangesService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly catalog: Catalog,
  ) {}

  create(title: string, actor: Actor, kind: RevisionKind = 'publish', edits: readonly EntryEdit[] = []): Promise<Change> {
    return this.dataSource.transaction(async (manager) => {
      const [{ id }] = await manager.query<[{ id: string }]>(
        `INSERT INTO change (kind, title, status, author) VALUES ($1, $2, 'open', $3) RETURNING id`,
        [kind, title, JSON.stringify(lastingActor(actor))],
      );
      if (edits.length > 0) await saveEdits(manager, Number(id), edits);
      await recordAudit(manager, { actor, action: 'change.create', subject: { change: Number(id), kind, title, layers: layersIn(edits) } });
      return manager.findOneByOrFail(Change, { id: Number(id) });
    });
  }

  /** Those the actor sees, newest first, older than change `before`. */
  async list(actor: Actor, status: ChangeStatus | undefined, before: number | undefined, limit: number): Promise<Change[]> {
    const { sql, values } = seenChanges(actor, { status, before, limit }, this.catalog.knownDescendantNames);
    const rows = await this.dataSource.query<{ id: string }[]>(sql, [...values]);
    const ids = rows.map(({ id }) => Number(id));
    return this.dataSource.getRepository(Change).find({ where: { id: In(ids) }, order: { id: 'DESC' } });
  }

  /** @throws DomainError `change_not_found` */
  async show(id: number): Promise<Change> {
    const change = await this.dataSource.getRepository(Change).findOneBy({ id });
    if (change) return change;
    throw new DomainError('change_not_found', `There is no change ${id}.`);
  }

  rename(id: number, title: string, actor: Actor, ifMatch: string | undefined): Promise<Change> {
    return this.update(id, actor, ifMatch, async (manager) => {
      await manager.update(Change, { id }, { title });
      return { title, layers: await layersOf(manager, id) };
    });
  }

  async discard(id: number, actor: Actor, ifMatch: string | undefined): Promise<void> {
    await this.dataSource.transaction(async (manager) => {
      await lockOpen(manager, id, ifMatch);
      await manager.query(`UPDATE change SET status = 'discarded', updated_at = now() WHERE id = $1`, [id]);
      await recordAudit(manager, { actor, action: 'change.discard', subject: { change: id, layers: await layersOf(manager, id) } });
    });
  }

  /**
   * Does `work` to an open change, alone, and counts it as one more edition. Whatever was said of, or planned for, the
   * edition before is void with that, also when only the title is another: it becomes the message in the history.
   *
   * @param work answers what it did, by name, for the audit
   */
  update(
    id: number,
    actor: Actor,
    ifMatch: string | undefined,
    work: (manager: EntityManager, change: Change) => Promise<AuditEntry['subject']>,
  ): Promise<Change> {
    return this.dataSource.transaction(async (manager) => {
      const change = await lockOpen(manager, id, ifMatch);
      const subject = await work(manager, change);
      await manager.query('UPDATE change SET edition = edition + 1, contributors = $2, updated_at = now() WHERE id = $1', [
        id,
        JSON.stringify(withContributor(change, actor)),
      ]);
      const changed = { edition: { before: change.edition, after: change.edition + 1 } };
      await recordAudit(manager, { actor, action: 'change.update', subject: { change: id, ...subject }, changed });
      return manager.findOneByOrFail(Change, { id });
    });
  }
}

export function changeTag({ id, edition, status }: Change): string {
  return entityTag(`${id}-${edition}-${status}`);
}

export function refuseUnlessOpen({ id, status, revision }: Change): void {
  if (status === 'open') return;
  const how = status === 'published' ? `was published as revision ${revision}` : 'was discarded';
  throw new DomainError('change_not_open', `Change ${id} ${how}. Make a new one.`, { extra: { changeStatus: status, revision } });
}

function withContributor({ contributors }: Change, actor: Actor): readonly LastingActor[] {
  return contributors.some((known) => isSameActor(known, actor)) ? contributors : [...contributors, lastingActor(actor)];
}

/** @throws DomainError `change_not_found`, `change_not_open`, `precondition_failed` */
export async function lockOpen(manager: EntityManager, id: number, ifMatch: string | undefined): Promise<Change> {
  const change = await manager.findOne(Change, { where: { id }, lock: { mode: 'pessimistic_write' } });
  if (!change) throw new DomainError('change_not_found', `There is no change ${id}.`);
  refuseUnlessOpen(change);
  requireMatch(ifMatch, changeTag(change));
  return change;
}
