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

/** What an index finds in the order of moments: a key of `audit_lookup`, or a value in a column of `audit_record`. */
export interface FilterTerm {
  readonly column: 'key' | 'action' | 'request_id' | 'address' | 'revision';
  readonly value: string | number;
}

export function termsOf({ action, actor, service, environment, requestId, address, revision }: AuditFilter): FilterTerm[] {
  const place = environment === undefined ? service : `${service ?? ''}@${environment}`;
  const who = actor === undefined ? undefined : `=${actor}`;
  const given = [['key', place], ['key', who], ['action', action], ['request_id', requestId], ['address', address], ['revision', revision]] as const;
  return given.flatMap(([column, value]) => (value === undefined ? [] : [{ column, value }]));
}

/** Beyond this it makes no difference how many there are. */
const MANY = 2_000;

/** How many records each term finds, up to {@link MANY}: `$1` is the value of the first, and so on. */
export function countsSql(terms: readonly FilterTerm[]): string {
  const counts = terms.map(({ column }, index) => {
    const [table, id] = column === 'key' ? ['audit_lookup', 'record_id'] : ['audit_record', 'id'];
    return `(SELECT count(*)::int FROM (SELECT FROM ${table} WHERE ${column} = $${index + 1} ORDER BY at DESC, ${id} DESC LIMIT ${MANY}) found)`;
  });
  return `SELECT ARRAY[${counts.join(', ')}] AS counts`;
}

/** Parts of a statement in which `r` is the record. */
export interface FilterSql {
  readonly source: string;
  readonly conditions: string[];
  /** The columns in whose order an index gives the records. */
  readonly order: readonly [at: string, id: string];
}

/**
 * Finds by the first term and looks at each record for the others: a page is read in its order from where it begins, however
 * many records there are. Left to itself, Postgres takes two columns that always match together for two coincidences,
 * expects next to nothing and sorts everything there is; `OFFSET 0` keeps it from turning the statement around.
 */
export function filterSql([first, ...others]: readonly FilterTerm[], { from, to }: AuditFilter, values: unknown[]): FilterSql {
  const value = (given: unknown): string => `$${values.push(given)}`;
  const isKey = first?.column === 'key';
  const order = isKey ? (['k.at', 'k.record_id'] as const) : (['r.at', 'r.id'] as const);
  const source = isKey ? 'audit_lookup k CROSS JOIN LATERAL (SELECT * FROM audit_record WHERE id = k.record_id OFFSET 0) r' : 'audit_record r';
  const conditions = first === undefined ? [] : [`${isKey ? 'k' : 'r'}.${first.column} = ${value(first.value)}`];
  for (const { column, value: given } of others) {
    if (column === 'key') conditions.push(`EXISTS (SELECT FROM audit_lookup WHERE key = ${value(given)} AND at = r.at AND record_id = r.id OFFSET 0)`);
    else conditions.push(`r.${column} = ${value(given)}`);
  }
  if (from !== undefined) conditions.push(`${order[0]} >= ${value(from)}`);
  if (to !== undefined) conditions.push(`${order[0]} < ${value(to)}`);
  return { source, conditions, order };
}
