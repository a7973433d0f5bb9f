/** Who does something, as history and audit remember it. `system` is Trimtab itself. */
export interface Actor {
  readonly kind: 'token' | 'client-key' | 'system';
  /** Id of the credential; `system` for the process itself. */
  readonly id: string;
  /** The name a person gave the credential. */
  readonly name: string;
  /** The request that asked for it, when there was one. */
  readonly requestId?: string;
  /** The trace context of that request (W3C Trace Context), when it is traced. */
  readonly traceparent?: string | undefined;
  /**
   * Stands for the Idempotency-Key of that request, the same at every retry. A use case that must not happen twice
   * stores it beside what it wrote, and looks for it first.
   */
  readonly claimId?: string;
}

export const SYSTEM_ACTOR: Actor = { kind: 'system', id: 'system', name: 'trimtab' };

/** What history and audit keep of an actor for ever. */
export function lastingActor({ kind, id, name }: Actor): Pick<Actor, 'kind' | 'id' | 'name'> {
  return { kind, id, name };
}
