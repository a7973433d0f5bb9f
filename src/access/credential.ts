import type { PersonName } from '../kernel/actor';
import type { Grant } from './grant';

/** What the bearer of a secret is known as. Holds nothing secret. */
export interface Credential {
  /** `token`: for programs and for people's tools. `session`: a person who has signed in. `client-key`: reads what it is bound to. */
  readonly kind: 'token' | 'client-key' | 'session';
  readonly id: string;
  readonly name: string;
  /** Whom it acts for: whose session it is, or whose personal token. */
  readonly person?: PersonName;
  /** What it may do; of a person: what the person may. Client keys have none and read what they are bound to. */
  readonly grants?: readonly Grant[];
  /** Personal tokens: nothing beyond these either. */
  readonly limits?: readonly Grant[];
  /** Client keys: a service's name, or `*`. */
  readonly service?: string;
  /** Client keys: the root of the subtree of environments that can be read. */
  readonly environment?: string;
  readonly expiresAt?: Date;
  /** Of the secret it came with, in base64: the two secrets of one that is being rotated are told apart by it. */
  readonly hash?: string;
  /** It came with the secret that was replaced, which works until {@link expiresAt}. */
  readonly isPrevious?: true;
}

/** `*` in a client key: every service. */
export const ANY_SERVICE = '*';
