import type { Credential } from './credential';

/** Hears of every request that a credential was used for: on the hot path, so it must do next to nothing. */
export interface CredentialUse {
  used(credential: Credential): void;
}

/** Injection token of {@link CredentialUse}. */
export const CREDENTIAL_USE = Symbol('CredentialUse');
