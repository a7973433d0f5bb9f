import { Inject, Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { LastingActor } from '../kernel/actor';
import type { Authority } from '../kernel/authority';
import { LINEAGES, type Lineages } from './credential-store';
import type { Credential } from './credential';
import { authorityOf } from './decide';
import type { Grant } from './grant';

interface PersonRow {
  readonly id: string;
  readonly name: string;
  readonly grants: Grant[] | null;
}

const GRANTS = (condition: string): string => `
  SELECT jsonb_agg(jsonb_build_object('role', g.role, 'services', g.services, 'environment', e.name, 'reveal', g.reveal))
    FROM access_grant g JOIN environment e ON e.id = g.environment_id
   WHERE ${condition}`;

/**
 * What somebody may do now who is known only by what history keeps of them: who approved something yesterday, or asked for
 * something to be done tonight. Read from the database in the caller's transaction: what was revoked is not counted.
 */
@Injectable()
export class Standing {
  constructor(@Inject(LINEAGES) private readonly lineages: Lineages) {}

  /** Of those who are still there. */
  async ofPeople(manager: EntityManager, ids: readonly string[]): Promise<Map<string, Authority>> {
    const people = await this.people(manager, ids);
    return new Map(people.map(({ id, name, grants }) => [id, this.authority({ kind: 'session', id, name, grants: grants ?? [] })]));
  }

  /**
   * Of a person whatever they came with then, within what a token of theirs is limited to; of a token as long as it can be
   * used. Undefined when there is nothing left.
   */
  async of(manager: EntityManager, { kind, id, person }: LastingActor): Promise<Authority | undefined> {
    if (kind === 'session') return person && (await this.ofPeople(manager, [person.id])).get(person.id);
    if (kind !== 'token') return undefined;
    const [token] = await manager.query<{ name: string; own: Grant[] | null }[]>(
      `SELECT c.name, (${GRANTS(`g.subject_kind = 'token' AND g.subject = c.id::text`)}) AS own
         FROM credential c
        WHERE c.id = $1 AND c.kind = 'token' AND c.revoked_at IS NULL AND (c.expires_at IS NULL OR c.expires_at > now())`,
      [id],
    );
    if (token === undefined) return undefined;
    const { name, own } = token;
    if (person === undefined) return this.authority({ kind: 'token', id, name, grants: own ?? [] });
    const [owner] = await this.people(manager, [person.id]);
    return owner && this.authority({ kind: 'token', id, name, grants: owner.grants ?? [], ...(own === null ? {} : { limits: own }) });
  }

  /**
   * The people who made these tokens or have rotated them, or the tokens that did: whoever writes with a token whose secret they
   * were given is no stranger to what it wrote.
   */
  async makersOf(manager: EntityManager, tokens: readonly string[]): Promise<Set<string>> {
    if (tokens.length === 0) return new Set();
    const rows = await manager.query<{ person: string }[]>(
      `WITH RECURSIVE hands AS (
         SELECT by FROM credential c, jsonb_array_elements(c.rotated_by || coalesce(c.created_by, '[]')) by WHERE c.id = ANY ($1)
         UNION
         SELECT next.by
           FROM hands
           JOIN credential c ON c.id = CASE WHEN hands.by->>'kind' = 'token' THEN (hands.by->>'id')::uuid END,
                jsonb_array_elements(c.rotated_by || coalesce(c.created_by, '[]')) next(by)
       )
       SELECT DISTINCT by->'person'->>'id' AS person FROM hands WHERE by->'person'->>'id' IS NOT NULL`,
      [tokens],
    );
    return new Set(rows.map(({ person }) => person));
  }

  private async people(manager: EntityManager, ids: readonly string[]): Promise<PersonRow[]> {
    if (ids.length === 0) return [];
    return manager.query<PersonRow[]>(
      `SELECT p.id, p.name,
              (${GRANTS(`(g.subject_kind = 'person' AND g.subject = p.id::text)
                 OR (g.subject_kind = 'group' AND g.subject IN (SELECT m.group_name FROM group_member m WHERE m.person_id = p.id))`)}) AS grants
         FROM person p
        WHERE p.id = ANY ($1) AND p.disabled_at IS NULL`,
      [ids],
    );
  }

  private authority(credential: Credential): Authority {
    return authorityOf(credential, this.lineages.of);
  }
}
