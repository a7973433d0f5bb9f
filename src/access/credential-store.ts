import type { Credential } from './credential';

export interface HashedCredential extends Credential {
  readonly hash: string;
}

/** Where this process has its credentials from. */
export interface CredentialStore {
  /** All that are neither revoked nor expired; one that is being rotated twice, once by each of its secrets. */
  usable(): Promise<readonly HashedCredential[]>;
  /** The usable credential whose secret has this hash: for one that may be younger than the last {@link usable}. */
  find(hash: Buffer): Promise<HashedCredential | undefined>;
  /** Tells when any credential has changed on any replica, and again when the listener has failed. Returns how to stop it. */
  onChange(listener: () => Promise<void>): () => void;
}

/** Injection token of the {@link CredentialStore}. */
export const CREDENTIAL_STORE = Symbol('CredentialStore');

/** The environments as they hang together, wherever this process has them from. */
export interface Lineages {
  /** The names from the root of the tree to an environment, as far as is known now; empty when there is none of that name. */
  readonly of: (environment: string) => readonly string[];
  /** The same, also of one that was only just created elsewhere. */
  read(environment: string): Promise<readonly string[]>;
}

/** Injection token of {@link Lineages}. */
export const LINEAGES = Symbol('Lineages');
