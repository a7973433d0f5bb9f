import type { CredentialStore, HashedCredential } from '../access/credential-store';
import type { Clock } from '../kernel/clock';
import { DomainError } from '../kernel/domain-error';
import { credentialIdOf } from '../nats/entries';
import type { Facts } from './bucket-reader';

/** The client keys in the bucket. Administrator tokens are not there: an edge has nothing to administer. */
export class EdgeCredentials implements CredentialStore {
  private readonly listeners = new Set<() => Promise<void>>();
  private telling = false;

  constructor(
    private readonly facts: () => Facts,
    private readonly isReady: () => boolean,
    private readonly clock: Clock,
  ) {}

  usable(): Promise<readonly HashedCredential[]> {
    return Promise.resolve([...this.unexpired()]);
  }

  /** Only a key that is younger than what has arrived here is not among the remembered ones. */
  find(hash: Buffer): Promise<HashedCredential | undefined> {
    if (!this.isReady()) return Promise.reject(new DomainError('unavailable', 'This edge has not read anything from NATS yet. Try again in a moment.'));
    const text = hash.toString('base64');
    for (const credential of this.unexpired()) if (credential.hash === text) return Promise.resolve(Object.freeze(credential));
    return Promise.resolve(undefined);
  }

  onChange(listener: () => Promise<void>): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** They have changed. Many changes in one turn are told once. */
  changed(): void {
    if (this.telling) return;
    this.telling = true;
    setImmediate(() => {
      this.telling = false;
      for (const listener of this.listeners) void listener();
    });
  }

  private *unexpired(): IterableIterator<HashedCredential> {
    const now = this.clock.now();
    for (const [name, { expiresAt, ...entry }] of this.facts().credentials) {
      const expiry = expiresAt === undefined ? undefined : new Date(expiresAt);
      if (expiry !== undefined && expiry <= now) continue;
      yield { kind: 'client-key', id: credentialIdOf(name), ...entry, ...(expiry === undefined ? {} : { expiresAt: expiry }) };
    }
  }
}
