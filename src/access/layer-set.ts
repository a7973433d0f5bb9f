import type { Authority, Permission, ServicePattern } from '../kernel/authority';
import type { LayerName } from '../kernel/names';

/** The expressions of a statement that name a layer. */
export interface LayerColumns {
  readonly service: string;
  readonly environment: string;
}

/** A condition of a statement, with the values it names from `$first` on. */
export interface Condition {
  readonly sql: string;
  readonly values: readonly unknown[];
}

/** Layers by what somebody may do there, for one at hand and for the rows of a statement; a spec holds the two equal. */
export interface LayerSet {
  has(layer: LayerName): boolean;
  condition(columns: LayerColumns, first: number): Condition;
}

/** @param descendantsOf the names of an environment and of all below it; empty when there is none of that name */
export function layersWith(authority: Authority, permission: Permission, descendantsOf: (environment: string) => readonly string[]): LayerSet {
  return {
    has: (layer) => authority.allows(permission, layer),
    condition: (columns, first) => {
      if (authority.allowsEverywhere(permission)) return { sql: 'true', values: [] };
      const values: unknown[] = [];
      const value = (one: readonly string[]): string => `$${first - 1 + values.push(one)}::text[]`;
      const parts = [...patternsByRoot(authority, permission)].map(([root, patterns]) => {
        const inEnvironment = `${columns.environment} = ANY (${value(descendantsOf(root))})`;
        return `(${inEnvironment} AND ${ofServices(columns.service, patterns, value)})`;
      });
      return { sql: parts.length === 0 ? 'false' : `(${parts.join(' OR ')})`, values };
    },
  };
}

/** Whether a name fits one of the patterns. One name among thousands is found by its hash, and a prefix by trying each. */
export function ofServices(column: string, patterns: readonly ServicePattern[], value: (one: readonly string[]) => string): string {
  if (patterns.some((pattern) => 'all' in pattern)) return 'true';
  const names = patterns.flatMap((pattern) => ('name' in pattern ? [pattern.name] : []));
  const prefixes = patterns.flatMap((pattern) => ('prefix' in pattern ? [pattern.prefix] : []));
  const named = `${column} = ANY (${value(names)})`;
  return prefixes.length === 0 ? named : `(${named} OR EXISTS (SELECT FROM unnest(${value(prefixes)}) AS p (prefix) WHERE starts_with(${column}, p.prefix)))`;
}

function patternsByRoot(authority: Authority, permission: Permission): Map<string, ServicePattern[]> {
  const roots = new Map<string, ServicePattern[]>();
  for (const { services, environment } of authority.layersWith(permission)) {
    const patterns = roots.get(environment);
    if (patterns === undefined) roots.set(environment, [services]);
    else patterns.push(services);
  }
  return roots;
}
