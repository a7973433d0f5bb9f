import type { Actor } from '../kernel/actor';
import type { Permission } from '../kernel/authority';

/** Knows which layers a change touches: what a change needs depends on it, and `access` stands below `changes`. */
export interface ChangeLayers {
  /**
   * A change is seen whole or not at all: to whoever may not view every layer it touches, it does not exist. One that
   * touches none yet is its author's.
   *
   * @param id as it stands in the path
   * @throws DomainError `change_not_found`; `forbidden` unless `permission` is held on every layer
   */
  require(actor: Actor, permission: Permission, id: string): Promise<void>;
}

/** Injection token of {@link ChangeLayers}. */
export const CHANGE_LAYERS = Symbol('ChangeLayers');
