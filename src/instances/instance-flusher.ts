import { setImmediate as nextTurn } from 'node:timers/promises';
import { withTimeLimit } from '../kernel/time-limit';
import type { Instance, InstanceBatch, InstanceWriter } from './instance';
import type { InstanceRegistry } from './instance-registry';

/** What a flusher needs of whoever holds the lease. */
export interface LeaseHolder {
  onLease(listener: (lease: string) => void): () => void;
  lose(lease: string): void;
}

export interface InstanceFlusherOptions {
  readonly registry: Pick<InstanceRegistry, 'get' | 'connections' | 'onChange'>;
  readonly writer: InstanceWriter;
  readonly leases: LeaseHolder;
  /** Least time between two flushes. */
  readonly intervalMs: number;
  /** A batch that takes longer has failed. */
  readonly timeLimitMs: number;
  readonly onFailure: (error: unknown) => void;
}

/** Refusals that come together are written together. */
const URGENT_MS = 5;
/** Encoding a batch is one turn of the event loop; this many take a few milliseconds. */
const BATCH_SIZE = 1_000;
/** An orderly end does not wait for a table that does not answer. */
const FAREWELL_MS = 2_000;

/**
 * Writes the instances of this process down, for the others to see: in batches, when something has changed, one batch
 * at a time. What is still to be written is a set of connections, never what happened to them, so it cannot outgrow
 * the connections there are; without a lease there is not even that, because the next lease begins with all of them.
 *
 * A batch that failed may have been written, or may yet be: then the lease is given up, which puts an end to both.
 */
export class InstanceFlusher {
  private readonly stops: (() => void)[];
  private readonly dirty = new Set<string>();
  private readonly urgent = new Set<string>();
  private lease: string | undefined;
  /** Of those there were when the lease began, the ones that have not been written under it; undefined when all have. */
  private unseen: Set<string> | undefined;
  private timer: NodeJS.Timeout | undefined;
  private dueAt = Infinity;
  private flushedAt = -Infinity;
  private running: Promise<void> | undefined;
  private state: 'open' | 'stopped' = 'open';

  constructor(private readonly options: InstanceFlusherOptions) {
    const { registry, leases } = options;
    this.stops = [
      registry.onChange((connection, urgent) => this.changed(connection, urgent)),
      leases.onLease((lease) => this.begin(lease)),
    ];
  }

  /** Connections whose newest state has not been written yet. */
  get pending(): number {
    return this.dirty.size;
  }

  /** Stops writing, and waits a moment for the batch that is under way. */
  async stop(): Promise<void> {
    this.state = 'stopped';
    for (const stop of this.stops) stop();
    this.forget();
    await withTimeLimit(FAREWELL_MS, this.running ?? Promise.resolve(), 'The last batch').catch(() => undefined);
  }

  private begin(lease: string): void {
    this.forget();
    this.lease = lease;
    this.unseen = new Set(this.options.registry.connections());
    for (const connection of this.unseen) this.dirty.add(connection);
    this.schedule(0);
  }

  private forget(): void {
    this.lease = undefined;
    this.unseen = undefined;
    this.dirty.clear();
    this.urgent.clear();
    clearTimeout(this.timer);
    this.dueAt = Infinity;
  }

  private changed(connection: string, urgent: boolean): void {
    if (this.lease === undefined) return;
    this.dirty.add(connection);
    if (urgent) this.urgent.add(connection);
    // On the way of every report: what is coming anyway need not be reckoned again.
    else if (this.dueAt !== Infinity) return;
    const sinceLast = performance.now() - this.flushedAt;
    this.schedule(urgent ? URGENT_MS : Math.max(0, this.options.intervalMs - sinceLast));
  }

  private schedule(delayMs: number): void {
    const at = performance.now() + delayMs;
    if (this.state === 'stopped' || at >= this.dueAt) return;
    clearTimeout(this.timer);
    this.dueAt = at;
    this.timer = setTimeout(() => {
      this.dueAt = Infinity;
      this.running ??= this.flush().finally(() => {
        this.running = undefined;
        if (this.unseen !== undefined || this.urgent.size > 0) this.schedule(URGENT_MS);
        else if (this.dirty.size > 0) this.schedule(this.options.intervalMs);
      });
    }, delayMs).unref();
  }

  /** Writes what is dirty now; what gets dirty meanwhile is for the next time. */
  private async flush(): Promise<void> {
    const { lease } = this;
    if (lease === undefined) return;
    this.flushedAt = performance.now();
    try {
      for (let left = this.dirty.size; left > 0 && this.lease === lease; left -= BATCH_SIZE) {
        if (!(await this.limited(this.options.writer.write(lease, this.take())))) return this.giveUp(lease);
        await nextTurn();
      }
      if (this.lease !== lease || this.unseen?.size !== 0) return;
      await this.limited(this.options.writer.complete(lease));
      if (this.lease === lease) this.unseen = undefined;
    } catch (error) {
      if (this.state === 'stopped') return;
      this.options.onFailure(error);
      this.giveUp(lease);
    }
  }

  /** The next batch, the urgent ones first. */
  private take(): InstanceBatch {
    const present: Instance[] = [];
    const gone: string[] = [];
    for (const connection of [...firstOf(this.urgent, BATCH_SIZE), ...firstOf(this.dirty, BATCH_SIZE)]) {
      if (present.length + gone.length >= BATCH_SIZE) break;
      this.urgent.delete(connection);
      this.unseen?.delete(connection);
      if (!this.dirty.delete(connection)) continue;
      const instance = this.options.registry.get(connection);
      if (instance === undefined) gone.push(connection);
      else present.push(instance);
    }
    return { present, gone };
  }

  private limited<T>(work: Promise<T>): Promise<T> {
    return withTimeLimit(this.options.timeLimitMs, work, 'Writing instances');
  }

  private giveUp(lease: string): void {
    if (this.lease === lease) this.forget();
    this.options.leases.lose(lease);
  }
}

function* firstOf<T>(set: ReadonlySet<T>, count: number): Generator<T> {
  for (const item of set) {
    if (count-- <= 0) return;
    yield item;
  }
}
