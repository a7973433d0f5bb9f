import { Inject, Injectable, Logger, Optional, type OnModuleDestroy } from '@nestjs/common';
import { DiskCopy } from '../copy/disk-copy';
import { inSlices } from '../kernel/in-slices';
import { layerKey, type LayerName } from '../kernel/names';
import type { Revision } from '../kernel/revision';
import { Turns } from '../kernel/turns';
import type { Snapshot } from './snapshot';
import { isAnswer, recallSnapshot } from './recall-snapshot';
import { SNAPSHOT_ORIGIN, type ResolvedSnapshot, type SnapshotOrigin } from './snapshot-origin';

export type SnapshotListener = (snapshot: Snapshot) => void;

/** A snapshot that was read anew, and when, in milliseconds of this process's monotonic clock. */
export interface Resolution {
  readonly snapshot: Snapshot;
  readonly beganAt: number;
  readonly endedAt: number;
}

/** A target that somebody has asked for. */
interface WarmTarget {
  readonly target: LayerName;
  readonly watchers: Set<SnapshotListener>;
  dependsOn: ReadonlySet<string>;
  snapshot: Snapshot | undefined;
  /** A key it depends on has moved since the snapshot was resolved, or there is none yet. */
  stale: boolean;
  /** There was no such thing, or nothing sound, when it was last read. */
  refused: boolean;
  /** Counts those moves, so that one in the middle of a resolution is noticed. */
  moves: number;
  resolving: Promise<Snapshot> | undefined;
}

/** Above this many, the longest unused that nobody watches are given up. */
const KEPT_WARM = 1_000;
const RETRY_MS = 1_000;

/**
 * The effective configs this process is asked for, ready to be read without the database. When the log moves, exactly
 * those that depend on a moved key turn stale in the same turn, so that nobody reads the old one after the new
 * revision was seen, and are resolved once each; watchers hear of what really changed.
 */
@Injectable()
export class SnapshotStore implements OnModuleDestroy {
  private readonly logger = new Logger(SnapshotStore.name);
  private readonly warm = new Map<string, WarmTarget>();
  private readonly dependents = new Map<string, Set<WarmTarget>>();
  /** Watched targets whose newest snapshot has not been handed out yet. */
  private readonly lagging = new Set<WarmTarget>();
  private readonly positionListeners = new Set<(revision: Revision) => void>();
  private readonly resolutionListeners = new Set<(resolution: Resolution) => void>();
  /** How often a snapshot was at hand when it was needed, and how often not. */
  readonly reads = { hit: 0, miss: 0 };
  private readonly stopFollowing: () => void;
  private retry: NodeJS.Timeout | undefined;
  private catchingUp = false;
  private watched = 0;
  private followed: Revision = 0;
  private told: Revision = 0;

  constructor(
    @Inject(SNAPSHOT_ORIGIN) private readonly origin: SnapshotOrigin,
    @Optional() private readonly copy?: DiskCopy,
  ) {
    this.stopFollowing = origin.onMove((keys, position) => this.follow(keys, position));
  }

  onModuleDestroy(): void {
    this.stopFollowing();
    clearTimeout(this.retry);
  }

  /** The log revision this process has caught up to. */
  get position(): Revision {
    return this.origin.position;
  }

  /** How many snapshots are held in memory. */
  get size(): number {
    return this.warm.size;
  }

  /** Bytes of those that were written out as JSON. */
  get encodedBytes(): number {
    let bytes = 0;
    for (const { snapshot } of this.warm.values()) bytes += snapshot?.encodedBytes ?? 0;
    return bytes;
  }

  /** The snapshot, if it is at hand and up to date. */
  peek(target: LayerName): Snapshot | undefined {
    const entry = this.warm.get(layerKey(target));
    if (entry?.stale !== false || entry.snapshot === undefined) return undefined;
    this.reads.hit += 1;
    return entry.snapshot;
  }

  /** @throws DomainError `service_not_found`, `environment_not_found` */
  async get(target: LayerName): Promise<Snapshot> {
    const entry = this.entry(target);
    try {
      return await this.fresh(entry);
    } catch (error) {
      if (!entry.snapshot && entry.watchers.size === 0) this.forget(entry);
      throw error;
    }
  }

  /** The snapshot as it was right after a revision. @throws DomainError `revision_not_found` as well */
  getAsOf(target: LayerName, revision: Revision): Promise<Snapshot> {
    return this.origin.readAsOf(target, revision);
  }

  /** Where every key comes from. */
  explain(target: LayerName): Promise<unknown> {
    return this.origin.explain(target);
  }

  /** Catches up at least to `revision`, if there is such a revision. */
  reach(revision: Revision): Promise<void> {
    return this.origin.reach(revision);
  }

  /** Subscribes first and reads afterwards: a change in between is told, perhaps before this resolves. */
  async watch(target: LayerName, onChange: SnapshotListener): Promise<{ snapshot: Snapshot; stop(): void }> {
    const entry = this.entry(target);
    if (entry.watchers.size === 0) this.watched += 1;
    entry.watchers.add(onChange);
    const stop = (): void => {
      if (entry.watchers.delete(onChange) && entry.watchers.size === 0) {
        this.watched -= 1;
        this.lagging.delete(entry);
      }
      this.trim();
    };
    try {
      return { snapshot: await this.fresh(entry), stop };
    } catch (error) {
      stop();
      if (!entry.snapshot && entry.watchers.size === 0) this.forget(entry);
      throw error;
    }
  }

  /** Tells that the log moved, after the snapshots it changed were handed out. */
  onPosition(listener: (revision: Revision) => void): () => void {
    this.positionListeners.add(listener);
    return () => this.positionListeners.delete(listener);
  }

  /** Tells of every snapshot that is read anew, before its watchers hear of it. */
  onResolved(listener: (resolution: Resolution) => void): () => void {
    this.resolutionListeners.add(listener);
    return () => this.resolutionListeners.delete(listener);
  }

  /** What is held, longest unused first: what is up to date, and how many are not and could be. */
  kept(): { readonly fresh: readonly ResolvedSnapshot[]; readonly stale: number } {
    const known = [...this.warm.values()].filter(({ snapshot }) => snapshot !== undefined);
    const fresh = known.filter(({ stale }) => !stale).map(({ snapshot, dependsOn }) => ({ snapshot: snapshot!, dependsOn }));
    return { fresh, stale: known.filter(({ stale, refused }) => stale && !refused).length };
  }

  /** Resolves what is stale, one after the other. False when the origin is away. */
  async settle(): Promise<boolean> {
    const turns = new Turns();
    for (const entry of [...this.warm.values()]) {
      if (turns.isDue) await turns.next();
      if (!entry.stale || entry.refused || entry.snapshot === undefined) continue;
      try {
        await this.fresh(entry);
      } catch (error) {
        if (!isAnswer(error)) return false;
      }
    }
    return true;
  }

  private follow(keys: readonly string[], position: Revision): void {
    for (const key of keys) {
      for (const entry of this.dependents.get(key) ?? []) {
        entry.stale = true;
        entry.refused = false;
        entry.moves += 1;
        if (entry.watchers.size > 0) this.lagging.add(entry);
      }
    }
    this.followed = position;
    void this.catchUp();
  }

  /** Hands out what is lagging, then tells the position: a position promises that everything up to it was handed out. */
  private async catchUp(): Promise<void> {
    // Whoever is at it comes to what has been added, too.
    if (this.catchingUp) return;
    this.catchingUp = true;
    let failures: unknown[] = [];
    while (this.lagging.size > 0 && failures.length === 0) failures = await inSlices(this.lagging, (entry) => this.fresh(entry));
    this.catchingUp = false;
    if (failures.length > 0) {
      this.logger.error(`A snapshot could not be resolved and is tried again: ${String(failures[0])}`);
      this.retry ??= setTimeout(() => {
        this.retry = undefined;
        void this.catchUp();
      }, RETRY_MS);
    }
    if (this.lagging.size > 0 || this.told === this.followed) return;
    this.told = this.followed;
    for (const listener of this.positionListeners) listener(this.told);
  }

  private fresh(entry: WarmTarget): Promise<Snapshot> {
    if (entry.snapshot && !entry.stale) {
      this.reads.hit += 1;
      return Promise.resolve(entry.snapshot);
    }
    this.reads.miss += 1;
    entry.resolving ??= this.resolve(entry).finally(() => {
      entry.resolving = undefined;
    });
    return entry.resolving;
  }

  private async resolve(entry: WarmTarget): Promise<Snapshot> {
    const beganAt = performance.now();
    for (;;) {
      const before = this.origin.position;
      const { moves } = entry;
      const { snapshot, dependsOn } = await this.read(entry);
      this.depend(entry, dependsOn);
      // Layers are read one after another: if one of them moved meanwhile, the parts may be of different revisions.
      if (entry.moves !== moves || this.movedSince(before, dependsOn)) continue;
      const resolution = { snapshot, beganAt, endedAt: performance.now() };
      for (const listener of this.resolutionListeners) listener(resolution);
      const previous = entry.snapshot;
      entry.snapshot = snapshot;
      entry.stale = false;
      this.lagging.delete(entry);
      if (previous && (previous.etag !== snapshot.etag || previous.revision !== snapshot.revision)) {
        for (const watcher of [...entry.watchers]) watcher(snapshot);
      }
      return snapshot;
    }
  }

  /** While the origin is away, what the disk copy holds is as good, as long as nothing has changed it. */
  private async read(entry: WarmTarget): Promise<ResolvedSnapshot> {
    try {
      const read = await this.origin.read(entry.target);
      entry.refused = false;
      return read;
    } catch (error) {
      entry.refused = isAnswer(error);
      const recalled = entry.refused || !this.copy ? undefined : recallSnapshot(this.copy, this.origin, entry.target);
      if (recalled === undefined || recalled.snapshot.revision < (entry.snapshot?.revision ?? 0)) throw error;
      return recalled;
    }
  }

  private movedSince(position: Revision, keys: ReadonlySet<string>): boolean {
    if (this.origin.position === position) return false;
    for (const key of keys) if (this.origin.revisionOf(key) > position) return true;
    return false;
  }

  private entry(target: LayerName): WarmTarget {
    const key = layerKey(target);
    const known = this.warm.get(key);
    if (known) {
      // The map is kept in the order of use, so that trimming meets the longest unused first.
      this.warm.delete(key);
      this.warm.set(key, known);
      return known;
    }
    const entry: WarmTarget = {
      target: { service: target.service, environment: target.environment },
      watchers: new Set(),
      dependsOn: new Set(),
      snapshot: undefined,
      stale: true,
      refused: false,
      moves: 0,
      resolving: undefined,
    };
    this.trim();
    this.warm.set(key, entry);
    return entry;
  }

  private depend(entry: WarmTarget, keys: ReadonlySet<string>): void {
    for (const key of entry.dependsOn) if (!keys.has(key)) this.dependents.get(key)?.delete(entry);
    for (const key of keys) {
      const entries = this.dependents.get(key) ?? new Set<WarmTarget>();
      this.dependents.set(key, entries.add(entry));
    }
    entry.dependsOn = keys;
  }

  private trim(): void {
    // Where more are watched than are kept, there is nothing to look for among them.
    let excess = this.warm.size - Math.max(KEPT_WARM, this.watched);
    for (const entry of this.warm.values()) {
      if (excess <= 0) return;
      if (entry.watchers.size > 0 || entry.resolving) continue;
      this.forget(entry);
      excess -= 1;
    }
  }

  private forget(entry: WarmTarget): void {
    for (const key of entry.dependsOn) {
      const entries = this.dependents.get(key);
      entries?.delete(entry);
      if (entries?.size === 0) this.dependents.delete(key);
    }
    this.warm.delete(layerKey(entry.target));
  }
}
