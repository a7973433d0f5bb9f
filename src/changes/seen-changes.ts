import { layersWith, type Condition } from '../access/layer-set';
import { isSameActor, type Actor, type LastingActor } from '../kernel/actor';
import { DomainError } from '../kernel/domain-error';
import type { LayerName } from '../kernel/names';

export interface SeenChange {
  readonly author: LastingActor;
  readonly layers: readonly LayerName[];
}

/** Whole, or not at all: nobody judges half of a change. One without edits is its author's. */
export function isSeenBy(actor: Actor, { author, layers }: SeenChange): boolean {
  const { authority } = actor;
  if (layers.length === 0) return isSameActor(author, actor) || authority.allowsEverywhere('administer');
  return layers.every((layer) => authority.allows('view', layer));
}

export function changeNotFound(id: string | number): DomainError {
  return new DomainError('change_not_found', `There is no change ${id}.`);
}

/** The same as a condition on rows `c` of `change`, with the values it names from `$first` on. */
export function changesSeenBy(actor: Actor, descendantsOf: (environment: string) => readonly string[], first: number): Condition {
  const { authority, kind, id, person } = actor;
  if (authority.allowsEverywhere('administer')) return { sql: 'true', values: [] };
  const viewed = layersWith(authority, 'view', descendantsOf).condition({ service: 's.name', environment: 'n.name' }, first + 3);
  const edits = 'change_edit e JOIN service s ON s.id = e.service_id JOIN environment n ON n.id = e.environment_id';
  const isAuthor = `CASE WHEN c.author->'person'->>'id' IS NOT NULL AND $${first + 2}::text IS NOT NULL THEN c.author->'person'->>'id' = $${first + 2}
                         ELSE c.author->>'kind' = $${first}::text AND c.author->>'id' = $${first + 1}::text END`;
  return {
    // The first part is for the database to begin with where little is seen of much.
    sql: `((c.id IN (SELECT e.change_id FROM ${edits} WHERE ${viewed.sql})
            AND NOT EXISTS (SELECT FROM ${edits} WHERE e.change_id = c.id AND NOT ${viewed.sql}))
           OR (${isAuthor} AND NOT EXISTS (SELECT FROM change_edit e WHERE e.change_id = c.id)))`,
    values: [kind, id, person?.id ?? null, ...viewed.values],
  };
}
