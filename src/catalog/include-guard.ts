import type { EntityManager } from 'typeorm';
import type { Authority } from '../kernel/authority';
import type { Service } from './service.entity';

/**
 * Throws `service_included` when another service includes this one, and names those that `authority` may view. Runs in the
 * transaction that archives.
 */
export type AssertNotIncluded = (manager: EntityManager, service: Service, authority: Authority) => Promise<void>;

/** Injection token of an {@link AssertNotIncluded}, given by a global module that knows releases. Optional. */
export const INCLUDE_GUARD = Symbol('IncludeGuard');
