import { layersWith, type Condition } from '../access/layer-set';
import { isSameActor, type Actor, type LastingActor } from '../kernel/actor';
import { DomainError } from '../kernel/domain-error';
import type { LayerName } from '../kernel/names';
import type { ChangeStatus } from './change.entity';

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

export interface WantedChanges {
  readonly status: ChangeStatus | undefined;
  /** Only older ones than this. */
  readonly before: number | undefined;
  readonly limit: number;
}

const EDITS = 'change_edit e JOIN service s ON s.id = e.service_id JOIN environment n ON n.id = e.environment_id';
/** A published change has edits, so only few have to be looked at for having none. */
const MAY_BE_EMPTY = `c.status <> 'published' AND NOT EXISTS (SELECT FROM change_edit e WHERE e.change_id = c.id)`;

/** The statement that finds the ids of the newest changes that {@link isSeenBy} lets the actor see. */
export function seenChanges(actor: Actor, { status, before, limit }: WantedChanges, descendantsOf: (environment: string) => readonly string[]): Condition {
  const { authority, kind, id, person } = actor;
  const values: unknown[] = [before ?? Number.MAX_SAFE_INTEGER, limit];
  const value = (one: unknown): string => `$${values.push(one)}`;
  const wanted = `c.id < $1::bigint ${status === undefined ? '' : `AND c.status = ${value(status)}`}`;
  const newest = (condition: string): string => `(SELECT c.id FROM change c WHERE ${wanted} AND ${condition} ORDER BY c.id DESC LIMIT $2)`;
  if (authority.allowsEverywhere('administer')) return { sql: newest('true'), values };
  const own = person === undefined
    ? `c.author->>'kind' = ${value(kind)} AND c.author->>'id' = ${value(id)}`
    : `CASE WHEN c.author ? 'person' THEN c.author->'person'->>'id' = ${value(person.id)} ELSE c.author->>'kind' = ${value(kind)} AND c.author->>'id' = ${value(id)} END`;
  const viewed = layersWith(authority, 'view', descendantsOf).condition({ service: 's.name', environment: 'n.name' }, values.length + 1);
  values.push(...viewed.values);
  const whole = newest(`c.id IN (SELECT e.change_id FROM ${EDITS} WHERE ${viewed.sql}) AND NOT EXISTS (SELECT FROM ${EDITS} WHERE e.change_id = c.id AND NOT ${viewed.sql})`);
  return { sql: `${whole} UNION ALL ${newest(`${MAY_BE_EMPTY} AND ${own}`)} ORDER BY id DESC LIMIT $2`, values };
}
