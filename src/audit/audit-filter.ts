import type { Revision } from '../kernel/revision';

/** Which records: those that meet all that is given. */
export interface AuditFilter {
  readonly action?: string | undefined;
  /** Id or name of a credential or a person. */
  readonly actor?: string | undefined;
  readonly service?: string | undefined;
  readonly environment?: string | undefined;
  readonly requestId?: string | undefined;
  readonly address?: string | undefined;
  readonly revision?: Revision | undefined;
  /** From this moment on … */
  readonly from?: string | undefined;
  /** … and before this one. */
  readonly to?: string | undefined;
}

/** Parts of a statement in which `r` is the record. */
export interface FilterSql {
  readonly joins: string;
  readonly conditions: string[];
  /** Columns by which an index gives the records that are filtered in the order of their moment. */
  readonly order: readonly [at: string, id: string];
}

/** The filter as SQL. Its values are added to `values`, and stand there as `$1`, `$2`, … */
export function filterSql(filter: AuditFilter, values: unknown[]): FilterSql {
  const value = (given: unknown): string => `$${values.push(given)}`;
  const joins = keysOf(filter).map((key, index) => `JOIN audit_lookup k${index} ON k${index}.record_id = r.id AND k${index}.at = r.at AND k${index}.key = ${value(key)}`);
  const order = joins.length > 0 ? (['k0.at', 'k0.record_id'] as const) : (['r.at', 'r.id'] as const);
  const { action, requestId, address, revision, from, to } = filter;
  const conditions: string[] = [];
  if (action !== undefined) conditions.push(`r.action = ${value(action)}`);
  if (requestId !== undefined) conditions.push(`r.request_id = ${value(requestId)}`);
  if (address !== undefined) conditions.push(`r.address = ${value(address)}`);
  if (revision !== undefined) conditions.push(`r.revision = ${value(revision)}`);
  if (from !== undefined) conditions.push(`${order[0]} >= ${value(from)}`);
  if (to !== undefined) conditions.push(`${order[0]} < ${value(to)}`);
  return { joins: joins.join(' '), conditions, order };
}

/** As the migration writes them into `audit_lookup`. */
function keysOf({ actor, service, environment }: AuditFilter): string[] {
  const place = environment === undefined ? service : `${service ?? ''}@${environment}`;
  return [...(place === undefined ? [] : [place]), ...(actor === undefined ? [] : [`=${actor}`])];
}
