import type { Credential } from './credential';

/** Hears of every request that a session was used for. */
export interface SessionUse {
  used(credential: Credential): Promise<void>;
}

/** Injection token of {@link SessionUse}. */
export const SESSION_USE = Symbol('SessionUse');
