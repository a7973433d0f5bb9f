import { Logger } from '@nestjs/common';
import { DomainError } from '../kernel/domain-error';
import { layerKey, type LayerName } from '../kernel/names';
import type { Revision } from '../kernel/revision';
import { chunkKey, POSITION_KEY, snapshotKey, type PositionEntry, type SnapshotEntry } from '../nats/entries';
import { packSnapshot } from '../nats/pack-snapshot';
import type { HeadIndex } from '../releases/head-index';
import { isAnswer } from '../snapshots/recall-snapshot';
import type { Snapshot } from '../snapshots/snapshot';
import type { SnapshotStore } from '../snapshots/snapshot-store';
import type { BucketContents } from './bucket-contents';
import type { BucketWriter } from './bucket-writer';
import type { CatalogSync } from './catalog-sync';
import type { TargetFinder } from './target-finder';

/** So many snapshots are resolved and written at once: they are in memory together. */
const AT_ONCE = 32;

/**
 * Brings the bucket to where the log is, step by step. A step has a position, and all its snapshots are those of that
 * position exactly, however far the log moves meanwhile; the position is written after them. So whoever has seen
 * position P has seen every snapshot up to P, and none after it.
 */
export class SnapshotSync {
  private readonly logger = new Logger(SnapshotSync.name);
  private moved: LayerName[] = [];
  private everything = true;

  constructor(
    private readonly heads: HeadIndex,
    private readonly snapshots: SnapshotStore,
    private readonly finder: TargetFinder,
    private readonly catalog: CatalogSync,
    private readonly contents: BucketContents,
    private readonly writer: BucketWriter,
  ) {}

  /** These layers have moved. */
  note(layers: readonly LayerName[]): void {
    this.moved.push(...layers);
  }

  /** The bucket may differ from the log anywhere. */
  compareAll(): void {
    this.everything = true;
  }

  async run(): Promise<void> {
    if (!this.contents.loaded) return;
    const { moved, everything } = this;
    const position = this.heads.position;
    this.moved = [];
    this.everything = false;
    try {
      await this.step(position, moved, everything);
    } catch (error) {
      this.moved = [...moved, ...this.moved];
      this.everything ||= everything;
      throw error;
    }
  }

  private async step(position: Revision, moved: readonly LayerName[], everything: boolean): Promise<void> {
    const before = this.contents.position;
    if (before !== undefined && before.revision > position) await this.refuse(before.revision, position);
    const services = this.catalog.newServices();
    const environments = this.catalog.newEnvironments();
    await this.catalog.addServices(services);
    const candidates = everything || environments.length > 0 ? this.finder.all() : await this.finder.dependents(moved, services);
    const targets = await this.finder.newer(candidates.values(), (target) => this.known(target)?.revision ?? 0);
    let written = 0;
    await forEach(targets, AT_ONCE, async (target) => {
      if (await this.write(target, position)) written += 1;
    });
    if (written > 0 || before?.revision !== position) {
      const entry: PositionEntry = { revision: position, from: before?.revision ?? null, snapshots: written };
      await this.writer.put(POSITION_KEY, entry);
    }
    await this.catalog.addEnvironments(environments);
  }

  /** What is in the bucket was handed out: whoever recovers the log has to go above it. */
  private async refuse(bucket: Revision, position: Revision): Promise<never> {
    await this.heads.reach(bucket);
    await this.heads.claimed(bucket);
    throw new BucketAhead(bucket, position);
  }

  private async write(target: LayerName, position: Revision): Promise<boolean> {
    const snapshot = await this.resolve(target, position);
    if (snapshot === undefined) return false;
    const { revision, etag } = snapshot;
    if (revision <= (this.known(target)?.revision ?? 0)) return false;
    const packed = await packSnapshot(snapshot);
    const size = await this.writer.chunkBytes();
    if (packed.length <= size) {
      await this.writer.put(snapshotKey(target), { revision, etag } satisfies SnapshotEntry, packed);
      return true;
    }
    const chunks: number[] = [];
    for (let start = 0; start < packed.length; start += size) {
      chunks.push(await this.writer.putChunk(chunkKey(target, chunks.length), packed.subarray(start, start + size)));
    }
    await this.writer.put(snapshotKey(target), { revision, etag, chunks } satisfies SnapshotEntry);
    return true;
  }

  /**
   * What the feed of this process has made already is taken, if it is not newer than the step. Undefined for what no
   * replica could serve either: it must not hold up the others.
   */
  private async resolve(target: LayerName, position: Revision): Promise<Snapshot | undefined> {
    const ready = this.snapshots.peek(target);
    if (ready !== undefined && ready.revision <= position) return ready;
    try {
      return await this.snapshots.getAsOf(target, position);
    } catch (error) {
      if (!isAnswer(error)) throw error;
      this.logger.warn(`${layerKey(target)} cannot be distributed: ${(error as Error).message}`);
      return undefined;
    }
  }

  private known(target: LayerName): SnapshotEntry | undefined {
    return this.contents.value(snapshotKey(target)) as SnapshotEntry | undefined;
  }
}

/** The log is older than what was distributed of it. */
export class BucketAhead extends DomainError {
  constructor(bucket: Revision, log: Revision) {
    super('unavailable', `The bucket holds revision ${bucket}, but the log ends at ${log}: an older backup was restored. Nothing is distributed until the log has been recovered and is above ${bucket}.`);
  }
}

/** Stops beginning new ones at the first failure, and waits for those under way. */
async function forEach<T>(items: readonly T[], atOnce: number, work: (item: T) => Promise<void>): Promise<void> {
  let next = 0;
  let failed = false;
  const lane = async (): Promise<void> => {
    while (!failed && next < items.length) {
      const item = items[next++] as T;
      await work(item).catch((error: unknown) => {
        failed = true;
        throw error;
      });
    }
  };
  const results = await Promise.allSettled(Array.from({ length: atOnce }, lane));
  const failure = results.find((result) => result.status === 'rejected');
  if (failure !== undefined) throw failure.reason as Error;
}
