import { Inject, Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { GroupMember } from '../access/group-member.entity';
import { keepAdministrator } from '../access/last-administrator';
import { recordAudit } from '../audit/record-audit';
import { decodeCursor, pageOf, type Page, type PageQuery } from '../http/page';
import type { Actor } from '../kernel/actor';
import { CLOCK, type Clock } from '../kernel/clock';
import { announce } from '../notify/announce';
import type { GroupMemberView, GroupView } from './people.dto';
import { notFound } from './people.service';

/**
 * A group is its name: it is there as soon as somebody belongs to it. Who belongs to it by the word of the identity
 * provider changes at their next sign-in; the others are put in and taken out here.
 */
@Injectable()
export class GroupsService {
  constructor(
    private readonly dataSource: DataSource,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  async list({ cursor, limit }: PageQuery): Promise<Page<GroupView>> {
    const [after] = decodeCursor(cursor, 'string') ?? [null];
    const rows = await this.dataSource.query<GroupView[]>(
      `SELECT m.group_name AS name, count(DISTINCT p.id) FILTER (WHERE p.disabled_at IS NULL)::int AS members
         FROM group_member m JOIN person p ON p.id = m.person_id
        WHERE $1::text IS NULL OR m.group_name > $1 GROUP BY m.group_name ORDER BY m.group_name LIMIT $2`,
      [after, limit + 1],
    );
    return pageOf(rows, limit, ({ name }) => [name], (row) => row);
  }

  async members(group: string, { cursor, limit }: PageQuery): Promise<Page<GroupMemberView>> {
    const [name, id] = decodeCursor(cursor, 'string', 'string') ?? [null, null];
    const rows = await this.dataSource.query<GroupMemberView[]>(
      `SELECT p.id, p.name, array_agg(m.source ORDER BY m.source) AS sources FROM group_member m JOIN person p ON p.id = m.person_id
        WHERE m.group_name = $1 AND ($2::text IS NULL OR (p.name, p.id::text) > ($2, $3)) GROUP BY p.id ORDER BY p.name, p.id::text LIMIT $4`,
      [group, name, id, limit + 1],
    );
    return pageOf(rows, limit, (row) => [row.name, row.id], (row) => row);
  }

  add(actor: Actor, group: string, personId: string): Promise<void> {
    return this.dataSource.transaction(async (manager) => {
      const name = await nameOf(manager, personId);
      const { raw } = await manager.createQueryBuilder().insert().into(GroupMember).values({ personId, groupName: group, source: 'local' }).orIgnore().returning('*').execute();
      if ((raw as unknown[]).length === 0) return;
      await recordAudit(manager, { actor, action: 'group.add', subject: { group, id: personId, name } });
      await announce(manager, 'access');
    });
  }

  remove(actor: Actor, group: string, personId: string): Promise<void> {
    return this.dataSource.transaction(async (manager) => {
      const name = await nameOf(manager, personId);
      await keepAdministrator(manager, this.clock.now(), async () => {
        const { affected } = await manager.delete(GroupMember, { personId, groupName: group, source: 'local' });
        if (affected !== 1) return;
        await recordAudit(manager, { actor, action: 'group.remove', subject: { group, id: personId, name } });
        await announce(manager, 'access');
      });
    });
  }
}

/** Locks the person, so that a group is never added to while a sign-in replaces the groups. */
async function nameOf(manager: EntityManager, personId: string): Promise<string> {
  const [person] = await manager.query<{ name: string }[]>('SELECT name FROM person WHERE id = $1 FOR UPDATE', [personId]);
  if (person === undefined) throw notFound(personId);
  return person.name;
}
