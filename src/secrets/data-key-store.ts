import type { WrappedKey } from './master-keys';

/** Where this process has the wrapped data keys from. */
export interface DataKeyStore {
  /** All there are. */
  read(): Promise<readonly WrappedKey[]>;
  /** Tells when any may have changed on any replica, and again when the listener has failed. Returns how to stop it. */
  onChange(listener: () => Promise<void>): () => void;
}

/** Injection token of the {@link DataKeyStore}. */
export const DATA_KEY_STORE = Symbol('DataKeyStore');
