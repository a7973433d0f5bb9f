import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import { Registry } from 'prom-client';
import type { Revision } from '../kernel/revision';
import { LogListener } from '../notify/log-listener';
import { SnapshotStore } from '../snapshots/snapshot-store';
import { Collected } from './collected';

/** Where this process stands in the log, how far behind it is, and how sure it is of that. */
@Injectable()
export class LogMetrics implements OnModuleDestroy {
  private readonly stops: (() => void)[];
  private newest: Revision = 0;
  private handedOut: Revision = 0;
  /** Since when, on the monotonic clock, something newer is known of than was handed out. */
  private behindSince: number | undefined;

  constructor(registry: Registry, listener: LogListener, snapshots: SnapshotStore) {
    const collected = new Collected(registry);
    collected.gauge('trimtab_log_position', 'Newest revision that this process has read.', () => snapshots.position);
    collected.gauge('trimtab_log_lag_revisions', 'Revisions known to be published whose snapshots were not handed to the feed yet.', () => Math.max(0, this.newest - this.handedOut));
    collected.gauge('trimtab_log_lag_seconds', 'For how long a revision has waited to be handed to the feed.', () => (this.behindSince === undefined ? 0 : (performance.now() - this.behindSince) / 1_000));
    collected.gauge('trimtab_listener_connected', 'Whether a session listens for news of the log.', () => (listener.connected ? 1 : 0));
    collected.gauge('trimtab_listener_check_age_seconds', 'How long ago the log was last asked with success; -1 before the first time.', () => listener.checkAgeMs / 1_000);
    this.stops = [
      listener.subscribe(({ revision }) => this.heard(revision)),
      snapshots.onPosition((revision) => this.handed(revision)),
    ];
  }

  onModuleDestroy(): void {
    for (const stop of this.stops) stop();
  }

  private heard(revision: Revision): void {
    this.newest = Math.max(this.newest, revision);
    if (this.newest > this.handedOut) this.behindSince ??= performance.now();
  }

  private handed(revision: Revision): void {
    this.handedOut = Math.max(this.handedOut, revision);
    this.newest = Math.max(this.newest, revision);
    if (this.newest === this.handedOut) this.behindSince = undefined;
  }
}
