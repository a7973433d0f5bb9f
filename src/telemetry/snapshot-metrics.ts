import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import { Histogram, Registry } from 'prom-client';
import { SnapshotStore } from '../snapshots/snapshot-store';
import { Collected } from './collected';

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5];

/** The snapshots held in memory, and how often they spare the database. */
@Injectable()
export class SnapshotMetrics implements OnModuleDestroy {
  private readonly stop: () => void;

  constructor(registry: Registry, snapshots: SnapshotStore) {
    const collected = new Collected(registry);
    collected.gauge('trimtab_snapshots_in_memory', 'Effective configs held ready.', () => snapshots.size);
    collected.gauge('trimtab_snapshots_bytes', 'Size of the snapshots in memory that are ready as JSON.', () => snapshots.encodedBytes);
    collected.counters('trimtab_snapshot_reads_total', 'How often a snapshot was ready when it was needed, and how often it had to be read.', 'result', () => snapshots.reads);
    const duration = new Histogram({ name: 'trimtab_snapshot_resolve_seconds', help: 'How long reading and merging one snapshot took.', buckets: SECONDS, registers: [registry] });
    this.stop = snapshots.onResolved(({ beganAt, endedAt }) => duration.observe((endedAt - beganAt) / 1_000));
  }

  onModuleDestroy(): void {
    this.stop();
  }
}
