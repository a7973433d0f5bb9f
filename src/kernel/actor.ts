import type { Authority } from './authority';
import { ROOT_ENVIRONMENT } from './names';

/** A person, as others see them. */
export interface PersonName {
  readonly id: string;
  readonly name: string;
}

/** Who does something, as history and audit remember it. `system` is Trimtab itself. */
export interface Actor {
  readonly kind: 'session' | 'token' | 'client-key' | 'system';
  /** Id of the credential; `system` for the process itself. */
  readonly id: string;
  /** The name a person gave the credential; of a session the name of the person. */
  readonly name: string;
  /** Whom the credential acts for: whose session it is, or whose personal token. */
  readonly person?: PersonName | undefined;
  /** What they may do. */
  readonly authority: Authority;
  /** The credential came with the secret that a rotation has replaced. */
  readonly isPrevious?: true | undefined;
  /** The request that asked for it, when there was one. */
  readonly requestId?: string;
  /** Address the request came from: of the connection itself, not what a header claims. */
  readonly address?: string;
  /** The trace context of that request (W3C Trace Context), when it is traced. */
  readonly traceparent?: string | undefined;
  /**
   * Stands for the Idempotency-Key of that request, the same at every retry. A use case that must not happen twice
   * stores it beside what it wrote, and looks for it first.
   */
  readonly claimId?: string;
}

const EVERYTHING: Authority = {
  allows: () => true,
  allowsThroughout: () => true,
  allowsEverywhere: () => true,
  allowsSomewhere: () => true,
  allowsInEnvironment: () => true,
  layersWith: () => [{ services: { all: true }, environment: ROOT_ENVIRONMENT }],
};

export const SYSTEM_ACTOR: Actor = { kind: 'system', id: 'system', name: 'trimtab', authority: EVERYTHING };

/** What history and audit keep of an actor for ever. */
export type LastingActor = Pick<Actor, 'kind' | 'id' | 'name' | 'person'>;

export function lastingActor({ kind, id, name, person }: Actor): LastingActor {
  return { kind, id, name, ...(person === undefined ? {} : { person }) };
}

/** Whether both are the same somebody: the same person, or the same credential where there is no person. */
export function isSameActor(one: LastingActor, other: LastingActor): boolean {
  return one.person !== undefined && other.person !== undefined ? one.person.id === other.person.id : one.kind === other.kind && one.id === other.id;
}
