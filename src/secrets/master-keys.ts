/** A data key as it is stored: closed with a master key. */
export interface WrappedKey {
  readonly id: string;
  readonly service: string;
  readonly wrapped: Buffer;
  /** Id of the master key that opens it. */
  readonly masterKey: string;
  /** Values are still read with it, and no new ones sealed. */
  readonly retired: boolean;
}

/**
 * The keys that data keys are wrapped with. They are outside of everything that Trimtab stores: in the environment or in
 * a file, or in a service that wraps and unwraps and never shows them, which is why everything here can take its time.
 */
export interface MasterKeys {
  /** Id of the key that new data keys are wrapped with; undefined when there is none, and nothing can be sealed. */
  readonly current: string | undefined;
  /** With the current key. */
  wrap(key: { readonly id: string; readonly service: string; readonly bytes: Buffer }): Promise<Pick<WrappedKey, 'wrapped' | 'masterKey'>>;
  /** Undefined when this process has not been given the master key. @throws Error when the wrapped key is damaged */
  unwrap(key: WrappedKey): Promise<Buffer | undefined>;
}

/** Injection token of the {@link MasterKeys}. */
export const MASTER_KEYS = Symbol('MasterKeys');
