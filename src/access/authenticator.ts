import { Inject, Injectable, Optional, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { CLOCK, type Clock } from '../kernel/clock';
import { DomainError } from '../kernel/domain-error';
import type { Credential } from './credential';
import { CREDENTIAL_STORE, type CredentialStore, type HashedCredential } from './credential-store';
import { CREDENTIAL_USE, type CredentialUse } from './credential-use';
import { hashOf, isGenuine, isSecret, isSessionSecret } from './secret';

const MIN_TIMER_MS = 1_000;
/** Longer than this, setTimeout fires at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** @param current what the credential with a secret of this hash is now; undefined when it is not usable any more */
type AccessListener = (current: (hash: string) => Credential | undefined) => void;

/**
 * Turns a secret into the credential it belongs to. All usable credentials are remembered by the hash of their secret,
 * so that nobody needs the database to be let in, and read again when any of them changes on any replica; an expiry is
 * checked at every use.
 */
@Injectable()
export class Authenticator implements OnModuleInit, OnModuleDestroy {
  private known = new Map<string, HashedCredential>();
  private readonly listeners = new Set<AccessListener>();
  /** Grows whenever credentials change: what was read before must not be remembered after. */
  private generation = 0;
  private refreshing: Promise<void> = Promise.resolve();
  private unsubscribe: () => void = () => undefined;
  private expiryTimer: NodeJS.Timeout | undefined;
  private loaded = false;
  private stopped = false;

  constructor(
    @Inject(CREDENTIAL_STORE) private readonly store: CredentialStore,
    @Inject(CLOCK) private readonly clock: Clock,
    @Optional() @Inject(CREDENTIAL_USE) private readonly use?: CredentialUse,
  ) {}

  onModuleInit(): void {
    this.unsubscribe = this.store.onChange(() => this.refresh());
  }

  onModuleDestroy(): void {
    this.stopped = true;
    this.unsubscribe();
    clearTimeout(this.expiryTimer);
  }

  async authenticate(bearer: string | undefined): Promise<Credential> {
    if (bearer === undefined) throw new DomainError('unauthenticated', 'Send a credential: `Authorization: Bearer <token>`.');
    const credential = isSecret(bearer) ? await this.bySecret(bearer) : undefined;
    if (credential !== undefined) return credential;
    throw new DomainError('unauthenticated', 'The credential is unknown, expired or revoked. Ask an administrator for a new one.');
  }

  /** The session of a cookie. Its secret is none anywhere else, and no other is one in a cookie. */
  async authenticateSession(secret: string): Promise<Credential> {
    const credential = isSessionSecret(secret) ? await this.bySecret(secret) : undefined;
    if (credential !== undefined) return credential;
    throw new DomainError('unauthenticated', 'The session has ended. Sign in again.');
  }

  /** All that are remembered, for keeping them elsewhere; undefined before they were first read. */
  usable(): HashedCredential[] | undefined {
    if (!this.loaded) return undefined;
    return [...this.known.values()];
  }

  /** Without waiting, and only what is remembered: for the hot path, which falls back on {@link authenticate}. */
  peek(bearer: string | undefined): Credential | undefined {
    return bearer !== undefined && isSecret(bearer) ? this.remembered(hashOf(bearer).toString('base64')) : undefined;
  }

  /** Whether the secret, of whatever kind, is that of a credential which is remembered. */
  remembers(secret: string): boolean {
    return this.remembered(hashOf(secret).toString('base64')) !== undefined;
  }

  /** Calls `listener` after any credential was revoked, has expired or was granted something else, on every replica. */
  onChange(listener: AccessListener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** For one that has just been revoked: it is not known any more from this very moment, whatever becomes of the reading. */
  forget(id: string): Promise<void> {
    for (const [hash, credential] of this.known) if (credential.id === id) this.known.delete(hash);
    return this.refresh();
  }

  /** Reads all credentials again, and lets those who hold connections open ask again. */
  refresh(): Promise<void> {
    this.refreshing = this.read();
    return this.refreshing;
  }

  private async read(): Promise<void> {
    this.generation += 1;
    const { generation } = this;
    const usable = await this.store.usable();
    // Something was revoked meanwhile: who asked wants to know of that as well.
    if (generation !== this.generation) return this.refreshing;
    this.known = new Map(usable.map((credential) => [credential.hash, Object.freeze(credential)]));
    this.loaded = true;
    for (const listener of this.listeners) listener((hash) => this.known.get(hash));
    this.refreshAt(earliest(usable.map(({ expiresAt }) => expiresAt)));
  }

  /** Open connections end with their credential, also when nothing is revoked. */
  private refreshAt(moment: Date | undefined): void {
    clearTimeout(this.expiryTimer);
    if (moment === undefined || this.stopped) return;
    const delay = Math.min(Math.max(moment.getTime() - this.clock.now().getTime(), MIN_TIMER_MS), MAX_TIMER_MS);
    this.expiryTimer = setTimeout(() => {
      this.refresh().catch(() => this.refreshAt(moment));
    }, delay).unref();
  }

  private async bySecret(secret: string): Promise<Credential | undefined> {
    const hash = hashOf(secret);
    const remembered = this.remembered(hash.toString('base64'));
    if (remembered !== undefined || !isGenuine(secret)) return remembered;
    const credential = await this.lookUp(hash);
    if (credential !== undefined) this.use?.used(credential);
    return credential;
  }

  private remembered(hash: string): Credential | undefined {
    const credential = this.known.get(hash);
    if (credential === undefined || !this.isUsable(credential)) return undefined;
    this.use?.used(credential);
    return credential;
  }

  private async lookUp(hash: Buffer): Promise<Credential | undefined> {
    for (;;) {
      const { generation } = this;
      const credential = await this.store.find(hash);
      // Revoked while the answer was under way: it may be older than the revocation.
      if (generation !== this.generation) continue;
      if (credential !== undefined) this.known.set(credential.hash, credential);
      return credential;
    }
  }

  private isUsable({ expiresAt }: Credential): boolean {
    return expiresAt === undefined || expiresAt > this.clock.now();
  }
}

function earliest(moments: readonly (Date | undefined)[]): Date | undefined {
  let first: Date | undefined;
  for (const moment of moments) if (moment !== undefined && (first === undefined || moment < first)) first = moment;
  return first;
}
