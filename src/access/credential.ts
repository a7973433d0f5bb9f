/** What the bearer of a secret is known as. Holds nothing secret. */
export interface Credential {
  /** `token`: an administrator token, which may do everything. `client-key`: reads what it is bound to. */
  readonly kind: 'token' | 'client-key';
  readonly id: string;
  readonly name: string;
  /** Client keys: a service's name, or `*`. */
  readonly service?: string;
  /** Client keys: the root of the subtree of environments that can be read. */
  readonly environment?: string;
  readonly expiresAt?: Date;
}

/** `*` in a client key: every service. */
export const ANY_SERVICE = '*';
