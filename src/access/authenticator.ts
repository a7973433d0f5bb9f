import { Inject, Injectable, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { CLOCK, type Clock } from '../kernel/clock';
import { DomainError } from '../kernel/domain-error';
import { LogListener } from '../notify/log-listener';
import type { Credential } from './credential';
import { findUsable, usableCredentials } from './find-credentials';
import { hashOf, isSecret } from './secret';

const MIN_TIMER_MS = 1_000;
/** Longer than this, setTimeout fires at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

type RevocationListener = (stillValid: (id: string) => boolean) => void;

/**
 * Turns a secret into the credential it belongs to. What was looked up once is remembered by the hash of the secret,
 * until any credential changes on any replica; an expiry is checked at every use.
 */
@Injectable()
export class Authenticator implements OnModuleInit, OnModuleDestroy {
  private readonly known = new Map<string, Credential>();
  private readonly listeners = new Set<RevocationListener>();
  /** Grows whenever credentials change: what was read before must not be remembered after. */
  private generation = 0;
  private accessHead: number | undefined;
  private unsubscribe: () => void = () => undefined;
  private expiryTimer: NodeJS.Timeout | undefined;
  private stopped = false;

  constructor(
    private readonly dataSource: DataSource,
    private readonly log: LogListener,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  onModuleInit(): void {
    this.unsubscribe = this.log.subscribe(async ({ access }) => {
      if (access === this.accessHead) return;
      await this.refresh();
      this.accessHead = access;
    });
  }

  onModuleDestroy(): void {
    this.stopped = true;
    this.unsubscribe();
    clearTimeout(this.expiryTimer);
  }

  async authenticate(bearer: string | undefined): Promise<Credential> {
    if (bearer === undefined) throw new DomainError('unauthenticated', 'Send a credential: `Authorization: Bearer <token>`.');
    if (isSecret(bearer)) {
      const hash = hashOf(bearer);
      const credential = this.remembered(hash.toString('base64')) ?? (await this.lookUp(hash));
      if (credential !== undefined) return credential;
    }
    throw new DomainError('unauthenticated', 'The credential is unknown, expired or revoked. Ask an administrator for a new one.');
  }

  /** Without waiting, and only what is remembered: for the hot path, which falls back on {@link authenticate}. */
  peek(bearer: string | undefined): Credential | undefined {
    return bearer !== undefined && isSecret(bearer) ? this.remembered(hashOf(bearer).toString('base64')) : undefined;
  }

  /** Calls `listener` after any credential was revoked or has expired, on every replica. */
  onRevoked(listener: RevocationListener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Forgets everything remembered, and lets those who hold connections open ask again. */
  async refresh(): Promise<void> {
    this.generation += 1;
    const { generation } = this;
    this.known.clear();
    const { ids, nextExpiry } = await usableCredentials(this.dataSource.manager, this.clock.now());
    // A later refresh is under way and knows more.
    if (generation !== this.generation) return;
    for (const listener of this.listeners) listener((id) => ids.has(id));
    this.refreshAt(nextExpiry);
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

  private remembered(key: string): Credential | undefined {
    const credential = this.known.get(key);
    return credential !== undefined && this.isUsable(credential) ? credential : undefined;
  }

  private async lookUp(hash: Buffer): Promise<Credential | undefined> {
    for (;;) {
      const { generation } = this;
      const credential = await findUsable(this.dataSource.manager, hash, this.clock.now());
      // Revoked while the answer was under way: it may be older than the revocation.
      if (generation !== this.generation) continue;
      if (credential !== undefined) this.known.set(hash.toString('base64'), credential);
      return credential;
    }
  }

  private isUsable({ expiresAt }: Credential): boolean {
    return expiresAt === undefined || expiresAt > this.clock.now();
  }
}
