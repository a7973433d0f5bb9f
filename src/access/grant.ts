import type { Area, Permission, ServicePattern } from '../kernel/authority';
import { PERMISSIONS_OF, type Role } from './roles';

/** What a subject may do, and where. */
export interface Grant extends Area {
  readonly role: Role | 'client';
  /** Also to be shown what is sealed. */
  readonly reveal?: boolean;
}

/** Services in a grant: a name, the beginning of one with `*`, or `*`. */
export const SERVICE_PATTERN = /^(?:\*|[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?|[a-z0-9][a-z0-9-]{0,61}\*)$/;

/** A grant, ready to be asked. */
export interface Scope {
  readonly permissions: ReadonlySet<Permission>;
  readonly services: ServicePattern;
  readonly environment: string;
}

export function scopeOf({ role, services, environment, reveal = false }: Grant): Scope {
  const permissions = new Set(PERMISSIONS_OF[role]);
  if (reveal) permissions.add('reveal');
  return { permissions, services: servicePatternOf(services), environment };
}

/** @param services as in {@link Grant} */
export function servicePatternOf(services: string): ServicePattern {
  if (services === '*') return { all: true };
  return services.endsWith('*') ? { prefix: services.slice(0, -1) } : { name: services };
}

export function matches(pattern: ServicePattern, service: string): boolean {
  if ('all' in pattern) return true;
  return 'prefix' in pattern ? service.startsWith(pattern.prefix) : service === pattern.name;
}

/** Whether every service the one matches is matched by the other as well. */
export function isWithin(inner: ServicePattern, outer: ServicePattern): boolean {
  if ('all' in outer) return true;
  if ('all' in inner) return false;
  if ('prefix' in inner) return 'prefix' in outer && inner.prefix.startsWith(outer.prefix);
  return matches(outer, inner.name);
}

/** What both allow; undefined when that is nothing. Patterns, like subtrees, lie in each other or apart. */
export function intersection(one: Scope, other: Scope, lineageOf: (environment: string) => readonly string[]): Scope | undefined {
  const permissions = new Set([...one.permissions].filter((permission) => other.permissions.has(permission)));
  const services = isWithin(one.services, other.services) ? one.services : isWithin(other.services, one.services) ? other.services : undefined;
  const environment = lineageOf(one.environment).includes(other.environment)
    ? one.environment
    : lineageOf(other.environment).includes(one.environment)
      ? other.environment
      : undefined;
  return permissions.size === 0 || services === undefined || environment === undefined ? undefined : { permissions, services, environment };
}
