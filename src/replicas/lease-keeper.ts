import { randomUUID } from 'node:crypto';
import { withTimeLimit } from '../kernel/time-limit';
import { backoffMs } from '../notify/backoff';
import type { LeaseBook, ReplicaIdentity, ReplicaStatus } from './lease-book';

/** A lease is renewed three times before it ends. */
const RENEWALS_PER_LEASE = 3;
/** An orderly end does not wait for a book that does not answer: the lease then ends by itself. */
const FAREWELL_MS = 2_000;

export interface LeaseKeeperOptions {
  readonly book: LeaseBook;
  readonly identity: ReplicaIdentity;
  readonly status: () => ReplicaStatus;
  readonly leaseMs: number;
  /** Told once for each time the book stops answering. */
  readonly onFailure: (error: unknown) => void;
}

/**
 * Keeps one process in the book for as long as it runs, whatever happens to the book or to the process.
 *
 * States: `none` (nothing is registered, as far as is known) → `held` → `none` (the book says that it has ended, or
 * somebody who wrote under it does not know what became of that) → …; any → `stopped`, which is final. Each time
 * `held` begins it is a new lease, and its listeners write again whatever belongs to it.
 */
export class LeaseKeeper {
  private readonly listeners = new Set<(lease: string) => void>();
  private readonly renewMs: number;
  private state: 'none' | 'held' | 'stopped' = 'none';
  private current: string | undefined;
  private attempt = 0;
  private timer: NodeJS.Timeout | undefined;
  private turn: Promise<void> | undefined;

  constructor(private readonly options: LeaseKeeperOptions) {
    this.renewMs = Math.floor(options.leaseMs / RENEWALS_PER_LEASE);
  }

  get identity(): ReplicaIdentity {
    return this.options.identity;
  }

  /** The lease that is held, as far as is known. */
  get lease(): string | undefined {
    return this.state === 'held' ? this.current : undefined;
  }

  start(): void {
    void this.take();
  }

  /** Tells each lease that begins, also the present one. Returns how to stop it. */
  onLease(listener: (lease: string) => void): () => void {
    this.listeners.add(listener);
    if (this.lease !== undefined) listener(this.lease);
    return () => this.listeners.delete(listener);
  }

  /** Gives up a lease under which something may or may not have been written; another is taken soon. */
  lose(lease: string): void {
    if (this.lease !== lease) return;
    this.state = 'none';
    this.attempt += 1;
    this.schedule(this.soon());
  }

  /** Ends the lease for good. */
  async stop(): Promise<void> {
    if (this.state === 'stopped') return;
    this.state = 'stopped';
    clearTimeout(this.timer);
    const { current } = this;
    const ended = (this.turn ?? Promise.resolve()).then(() => (current === undefined ? undefined : this.options.book.end(current)));
    await withTimeLimit(FAREWELL_MS, ended, 'Ending the lease').catch(() => undefined);
  }

  /** One turn at a time. */
  private take(): Promise<void> {
    this.turn ??= this.renewOrRegister().finally(() => {
      this.turn = undefined;
      this.schedule(this.lease === undefined || this.attempt > 0 ? this.soon() : this.renewMs);
    });
    return this.turn;
  }

  private async renewOrRegister(): Promise<void> {
    const { book, identity, status, onFailure } = this.options;
    try {
      const { lease } = this;
      if (lease !== undefined && (await this.limited(book.renew(lease, status())))) {
        if (this.lease === lease) this.attempt = 0;
        return;
      }
      if (this.stopped) return;
      this.state = 'none';
      const next = randomUUID();
      this.current = next;
      await this.limited(book.register(next, identity, status()));
      if (this.stopped) return;
      this.state = 'held';
      for (const listener of this.listeners) listener(next);
    } catch (error) {
      if (this.attempt === 0 && !this.stopped) onFailure(error);
      this.attempt += 1;
    }
  }

  /** A book that does not even refuse is as good as one that does. */
  private limited<T>(work: Promise<T>): Promise<T> {
    return withTimeLimit(this.options.leaseMs, work, 'The lease');
  }

  private soon(): number {
    return Math.min(this.renewMs, backoffMs(this.attempt));
  }

  private get stopped(): boolean {
    return this.state === 'stopped';
  }

  private schedule(delayMs: number): void {
    if (this.stopped) return;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.take(), delayMs).unref();
  }
}
