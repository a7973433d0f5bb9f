import { Logger } from '@nestjs/common';
import { etagOf } from '@trimtab/client/protocol';
import { setTimeout as sleep } from 'node:timers/promises';
import type { DiskCopy } from '../copy/disk-copy';
import { DomainError } from '../kernel/domain-error';
import { layerKey, type LayerName } from '../kernel/names';
import type { Revision } from '../kernel/revision';
import { recallSnapshot } from '../snapshots/recall-snapshot';
import { Snapshot } from '../snapshots/snapshot';
import type { OriginListener, ResolvedSnapshot, SnapshotOrigin } from '../snapshots/snapshot-origin';
import type { Facts } from './bucket-reader';
import type { Contents } from './contents';
import type { Pointer, Step } from './step-collector';

/** How long a client that has seen more than this edge waits for the edge to catch up. */
const REACH_MS = 3_000;
const RETRY_MS = 100;
const MAX_RETRY_MS = 2_000;
const FETCH_ATTEMPTS = 8;
const AT_ONCE = 16;

/**
 * Snapshots as they were distributed; keys are those of targets. A step takes effect at once and whole, after the
 * contents that somebody here has asked for were fetched: until then, what was newest before is served as that.
 *
 * States: `empty` (nothing can be served) → `recalled` (what the disk copy holds can) → `followed`; `empty` → `followed`.
 */
export class EdgeOrigin implements SnapshotOrigin {
  private readonly logger = new Logger(EdgeOrigin.name);
  private readonly listeners = new Set<OriginListener>();
  private readonly waiting = new Set<() => void>();
  private readonly stopping = new AbortController();
  private readonly pointers = new Map<string, Pointer>();
  private due: Step | undefined;
  private applying: Promise<void> | undefined;
  private current: Revision | undefined;
  private state: 'empty' | 'recalled' | 'followed' = 'empty';

  constructor(
    private readonly contents: Contents,
    private readonly facts: () => Facts,
    private readonly copy: DiskCopy,
  ) {}

  get position(): Revision {
    return this.current ?? 0;
  }

  /** Whether anything can be served at all. */
  get ready(): boolean {
    return this.state !== 'empty';
  }

  /** Whether NATS was read since the start. */
  get followed(): boolean {
    return this.state === 'followed';
  }

  /** How many targets there are. */
  get size(): number {
    return this.pointers.size;
  }

  revisionOf(key: string): Revision {
    return this.pointers.get(key)?.revision ?? 0;
  }

  onMove(listener: OriginListener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  async reach(revision: Revision): Promise<void> {
    if (this.hasReached(revision)) return;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.waiting.delete(look);
        resolve();
      };
      const look = (): void => {
        if (this.hasReached(revision)) done();
      };
      const timer = setTimeout(done, REACH_MS);
      this.waiting.add(look);
    });
  }

  async read(target: LayerName): Promise<ResolvedSnapshot> {
    if (!this.ready) throw new DomainError('unavailable', 'This edge has not read anything from NATS yet. Try again in a moment.');
    const key = layerKey(target);
    const pointer = this.pointers.get(key);
    const dependsOn = new Set([key]);
    if (this.state === 'recalled') return this.recall(target);
    if (pointer === undefined) return { snapshot: this.empty(target), dependsOn };
    if (pointer.revision > this.position) await this.reach(pointer.revision);
    if (pointer.revision > this.position) throw new DomainError('unavailable', 'The configuration is being distributed right now. Try again in a moment.');
    return { snapshot: await this.contents.get(this.pointers.get(key) ?? pointer), dependsOn };
  }

  /** Serves from the disk copy as of this position, until NATS was read and is not behind it. */
  begin(position: Revision): void {
    this.current = position;
    this.state = 'recalled';
  }

  readAsOf(): Promise<never> {
    return Promise.reject(onlyReplicas('for what was published before', '/asOf'));
  }

  explain(): Promise<never> {
    return Promise.reject(onlyReplicas('where every key comes from', '/origin'));
  }

  /** Takes a step in; steps that come faster than their contents can be fetched are taken as one. */
  take(step: Step): void {
    this.due = this.due === undefined ? step : { position: step.position, pointers: new Map([...this.due.pointers, ...step.pointers]) };
    this.applying ??= this.apply();
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    for (const look of [...this.waiting]) look();
    await this.applying;
  }

  private hasReached(revision: Revision): boolean {
    return this.stopping.signal.aborted || revision <= this.position;
  }

  private async apply(): Promise<void> {
    for (let attempt = 0; this.due !== undefined && !this.stopping.signal.aborted; ) {
      const step = this.due;
      // A bucket that has lost its end, or was filled from an older log: nobody is sent back to where it stands.
      if (step.position < this.position) break;
      try {
        await this.fetch([...step.pointers.values()].filter(({ target }) => this.contents.has(layerKey(target))));
        attempt = 0;
      } catch (error) {
        if (attempt === 0) this.logger.warn(`A content could not be fetched and is tried again: ${error instanceof Error ? error.message : String(error)}`);
        const wait = Math.min(MAX_RETRY_MS, RETRY_MS * 2 ** Math.min(attempt++, 10));
        await sleep(wait, undefined, { signal: this.stopping.signal }).catch(() => undefined);
        // A content that cannot be had at all must not hold up the other targets: its own readers are refused instead.
        if (attempt < FETCH_ATTEMPTS) continue;
        attempt = 0;
      }
      // What came meanwhile has joined it, and is the next one.
      this.due = this.due === step ? undefined : this.due;
      this.move(step);
    }
    this.applying = undefined;
  }

  private move({ pointers, position }: Step): void {
    const keys: string[] = [];
    for (const [key, pointer] of pointers) {
      this.pointers.set(key, pointer);
      keys.push(key);
    }
    this.current = position;
    this.state = 'followed';
    for (const listener of this.listeners) listener(keys, position);
    for (const look of [...this.waiting]) look();
  }

  private async fetch(pointers: readonly Pointer[]): Promise<void> {
    for (let start = 0; start < pointers.length; start += AT_ONCE) {
      await Promise.all(pointers.slice(start, start + AT_ONCE).map((pointer) => this.contents.get(pointer)));
    }
  }

  private recall(target: LayerName): ResolvedSnapshot {
    const found = recallSnapshot(this.copy, this, target);
    if (found !== undefined) return found;
    throw new DomainError('unavailable', 'This edge has not read anything from NATS yet, and keeps no copy of this. Try again in a moment.');
  }

  /** Nothing was ever published for it: the same on every replica. */
  private empty({ service, environment }: LayerName): Snapshot {
    const { services, environments } = this.facts();
    if (!services.has(service)) throw new DomainError('service_not_found', `There is no service named '${service}', or this edge has not heard of it yet.`);
    if (!environments.has(environment)) throw new DomainError('environment_not_found', `There is no environment named '${environment}', or this edge has not heard of it yet.`);
    return Snapshot.restore({ service, environment, revision: 0, etag: etagOf({}), layers: [], documents: {}, sources: {} });
  }
}

function onlyReplicas(what: string, pointer: string): DomainError {
  return new DomainError('malformed_request', `This is an edge, which knows only what is newest. Ask a replica ${what}.`, { pointer });
}
