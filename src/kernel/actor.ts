/** Who does something, as history and audit remember it. `system` is Trimtab itself. */
export interface Actor {
  readonly kind: 'token' | 'client-key' | 'system';
  /** Id of the credential; `system` for the process itself. */
  readonly id: string;
  /** The name a person gave the credential. */
  readonly name: string;
  /** The request that asked for it, when there was one. */
  readonly requestId?: string;
}

export const SYSTEM_ACTOR: Actor = { kind: 'system', id: 'system', name: 'trimtab' };
