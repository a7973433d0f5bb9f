import type { Area, Authority, LayerPattern, Permission } from '../kernel/authority';
import { DomainError } from '../kernel/domain-error';
import { LABEL_PATTERN, layerKey, ROOT_ENVIRONMENT, type LayerName } from '../kernel/names';
import { ANY_SERVICE, type Credential } from './credential';
import { intersection, isWithin, matches, scopeOf, servicePatternOf, type Scope } from './grant';

/** The names from the root of the tree to an environment; empty when there is none of that name. */
export type LineageOf = (environment: string) => readonly string[];

/**
 * The one place that decides who may do what. Routes say what they need, and nobody else asks who the caller is.
 *
 * Names are compared exactly, in the one spelling in which they can be looked up (`LABEL_PATTERN`); anything else is no
 * name and is allowed nothing. Whether what is named exists is not asked: a refusal says nothing about it.
 */
export function authorityOf(credential: Credential, lineageOf: LineageOf): Authority {
  return new ScopedAuthority(scopesOf(credential, lineageOf), lineageOf);
}

/** @throws DomainError `forbidden` unless `permission` is held on every one of the layers */
export function requireAllowed(authority: Authority, permission: Permission, layers: Iterable<LayerName>): void {
  for (const layer of layers) {
    if (!authority.allows(permission, layer)) throw forbidden(permission, `on ${layerKey(layer)}`);
  }
}

export function forbidden(permission: Permission, where: string): DomainError {
  return new DomainError('forbidden', `This needs the permission to ${permission} ${where}. Ask an owner of the service, or an administrator, for a grant.`);
}

function scopesOf({ kind, service, environment, grants = [], limits }: Credential, lineageOf: LineageOf): readonly Scope[] {
  if (kind === 'client-key') {
    return service === undefined || environment === undefined ? [] : [scopeOf({ role: 'client', services: service, environment })];
  }
  const scopes = grants.map(scopeOf);
  if (limits === undefined) return scopes;
  const within = limits.map(scopeOf);
  return scopes.flatMap((scope) => within.map((limit) => intersection(scope, limit, lineageOf)).filter((both) => both !== undefined));
}

/** Where a permission is held. Every read asks, so one grant among thousands is found by the name of its service. */
class Held {
  private readonly roots = new Map<string, string[]>();
  private readonly patterns: readonly Scope[];

  constructor(readonly scopes: readonly Scope[]) {
    this.patterns = scopes.filter(({ services }) => !('name' in services));
    for (const { services, environment } of scopes) {
      if ('name' in services) this.roots.set(services.name, [...(this.roots.get(services.name) ?? []), environment]);
    }
  }

  covers(service: string, lineage: readonly string[]): boolean {
    const roots = this.roots.get(service);
    if (roots?.some((root) => lineage.includes(root)) === true) return true;
    return this.patterns.some(({ services, environment: root }) => matches(services, service) && lineage.includes(root));
  }
}

const NOWHERE = new Held([]);

class ScopedAuthority implements Authority {
  private readonly held = new Map<Permission, Held>();

  constructor(
    scopes: readonly Scope[],
    private readonly lineageOf: LineageOf,
  ) {
    for (const permission of new Set(scopes.flatMap(({ permissions }) => [...permissions]))) {
      this.held.set(permission, new Held(scopes.filter(({ permissions }) => permissions.has(permission))));
    }
  }

  allows(permission: Permission, { service, environment }: LayerName): boolean {
    if (!LABEL_PATTERN.test(service) || !LABEL_PATTERN.test(environment)) return false;
    return (this.held.get(permission) ?? NOWHERE).covers(service, this.lineage(environment));
  }

  allowsThroughout(permission: Permission, { services, environment }: Area): boolean {
    const wanted = servicePatternOf(services);
    const lineage = this.lineage(environment);
    return this.having(permission).some((scope) => isWithin(wanted, scope.services) && lineage.includes(scope.environment));
  }

  allowsEverywhere(permission: Permission): boolean {
    return this.allowsThroughout(permission, { services: ANY_SERVICE, environment: ROOT_ENVIRONMENT });
  }

  allowsSomewhere(permission: Permission, service?: string): boolean {
    return this.having(permission).some(({ services }) => service === undefined || (LABEL_PATTERN.test(service) && matches(services, service)));
  }

  allowsInEnvironment(permission: Permission, environment: string): boolean {
    const lineage = this.lineage(environment);
    return this.having(permission).some(({ environment: root }) => lineage.includes(root) || this.lineageOf(root).includes(environment));
  }

  layersWith(permission: Permission): readonly LayerPattern[] {
    return this.having(permission);
  }

  private having(permission: Permission): readonly Scope[] {
    return (this.held.get(permission) ?? NOWHERE).scopes;
  }

  /** An environment that does not exist is treated like one below the root: who may do something everywhere is told that it is missing. */
  private lineage(environment: string): readonly string[] {
    const lineage = this.lineageOf(environment);
    return lineage.length === 0 ? [ROOT_ENVIRONMENT] : lineage;
  }
}
