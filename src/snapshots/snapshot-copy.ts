import { Inject, Injectable, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import type { Capture, CopySource } from '../copy/copied';
import { DiskCopy } from '../copy/disk-copy';
import { COPIED_STATE_SOURCE, type CopiedStateSource } from './copied-state-source';
import { SNAPSHOT_ORIGIN, type SnapshotOrigin } from './snapshot-origin';
import { SnapshotStore } from './snapshot-store';

/** Hands the disk copy what it keeps: the warm snapshots, and what belongs to them, all of one moment. */
@Injectable()
export class SnapshotCopy implements CopySource, OnModuleInit, OnModuleDestroy {
  constructor(
    private readonly copy: DiskCopy,
    private readonly store: SnapshotStore,
    @Inject(SNAPSHOT_ORIGIN) private readonly origin: SnapshotOrigin,
    @Inject(COPIED_STATE_SOURCE) private readonly state: CopiedStateSource,
  ) {}

  onModuleInit(): void {
    this.copy.follow(this);
  }

  async onModuleDestroy(): Promise<void> {
    await this.copy.finish();
  }

  onChange(listener: () => void): () => void {
    const stops = [this.store.onResolved(listener), this.origin.onMove(listener), this.state.onChange(listener)];
    return () => stops.forEach((stop) => stop());
  }

  settle(): Promise<boolean> {
    return this.store.settle();
  }

  capture(): Capture | undefined {
    const state = this.state.read();
    if (state === undefined) return undefined;
    const { fresh, stale } = this.store.kept();
    return {
      state,
      stale,
      snapshots: fresh.map(({ snapshot, dependsOn }) => ({
        target: { service: snapshot.service, environment: snapshot.environment },
        revision: snapshot.revision,
        etag: snapshot.etag,
        dependsOn,
        record: () => snapshot.record(),
      })),
      moved: (keys, since) => keys.some((key) => this.origin.revisionOf(key) > since),
    };
  }
}
