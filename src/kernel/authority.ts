import type { LayerName } from './names';

/**
 * What can be allowed. `read` is what a client does: get effective configs and follow them. `reveal` is to be shown what
 * is sealed in clear text. Everything else is done by people and their tools through the API.
 */
export const PERMISSIONS = ['read', 'view', 'edit', 'publish', 'override', 'approve', 'grant', 'administer', 'reveal'] as const;
export type Permission = (typeof PERMISSIONS)[number];

/** Services by name: all, those whose name begins with `prefix`, or the one called `name`. */
export type ServicePattern = { readonly all: true } | { readonly prefix: string } | { readonly name: string };

/** Layers by pattern: of the matching services, from an environment down. */
export interface Area {
  /** `*`, the beginning of names as in `orders-*`, or a name. */
  readonly services: string;
  /** The root of a subtree of environments. */
  readonly environment: string;
}

/** The same, taken apart. */
export interface LayerPattern {
  readonly services: ServicePattern;
  readonly environment: string;
}

/** What somebody may do. Asked by whoever does something for them; decided in one place (`src/access/decide.ts`). */
export interface Authority {
  /** In this layer. Names are compared as they are looked up: exactly, in their one spelling. */
  allows(permission: Permission, layer: LayerName): boolean;
  /** In every layer of the area there is and will be. */
  allowsThroughout(permission: Permission, area: Area): boolean;
  /** In all layers of all services there are and will be. */
  allowsEverywhere(permission: Permission): boolean;
  /** In at least one layer: of `service`, or of any service. */
  allowsSomewhere(permission: Permission, service?: string): boolean;
  /** In at least one layer of `environment`, or of one below it, which must show how it is reached. */
  allowsInEnvironment(permission: Permission, environment: string): boolean;
  /** All layers that are covered: for lists that the database filters. */
  layersWith(permission: Permission): readonly LayerPattern[];
}
