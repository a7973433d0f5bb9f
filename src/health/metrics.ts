import { Injectable, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { monitorEventLoopDelay, type IntervalHistogram } from 'node:perf_hooks';
import { Feed } from '../feed/feed';
import { LogListener } from '../notify/log-listener';
import { SnapshotStore } from '../snapshots/snapshot-store';
import { byLabel, counter, gauge, metricsText, type Metric } from './metrics-text';

const NANOSECONDS = 1e9;
const LOOP_RESOLUTION_MS = 20;

/** What the process measures about itself, collected when it is asked for. */
@Injectable()
export class Metrics implements OnModuleInit, OnModuleDestroy {
  private readonly loop: IntervalHistogram = monitorEventLoopDelay({ resolution: LOOP_RESOLUTION_MS });

  constructor(
    private readonly feed: Feed,
    private readonly snapshots: SnapshotStore,
    private readonly log: LogListener,
  ) {}

  onModuleInit(): void {
    this.loop.enable();
  }

  onModuleDestroy(): void {
    this.loop.disable();
  }

  text(): string {
    return metricsText([...this.ofTrimtab(), ...this.ofProcess()]);
  }

  private ofTrimtab(): Metric[] {
    const { counters } = this.feed;
    return [
      gauge('trimtab_log_position', 'Newest revision that this process has read.', this.snapshots.position),
      gauge('trimtab_listener_connected', 'Whether a session listens for news of the log.', this.log.connected ? 1 : 0),
      gauge('trimtab_snapshots_in_memory', 'Effective configs held ready.', this.snapshots.size),
      byLabel('gauge', 'trimtab_feed_connections', 'Clients connected, by transport.', 'transport', counters.connections),
      byLabel('counter', 'trimtab_feed_messages_total', 'Messages sent to clients, by type.', 'type', counters.sent),
      gauge('trimtab_feed_pending', 'Clients that do not have the newest snapshot yet.', this.feed.pending),
      counter('trimtab_feed_stuck_total', 'Connections closed because the client took nothing for too long.', counters.stuck),
      gauge('trimtab_feed_longest_slice_seconds', 'Longest time a broadcast held the event loop.', counters.longestSliceMs / 1_000),
    ];
  }

  private ofProcess(): Metric[] {
    const { user, system } = process.cpuUsage();
    const { rss, heapUsed } = process.memoryUsage();
    return [
      counter('process_cpu_seconds_total', 'Processor time used.', (user + system) / 1e6),
      gauge('process_start_time_seconds', 'When the process started, in Unix time.', Math.round(performance.timeOrigin / 1_000)),
      gauge('process_resident_memory_bytes', 'Resident memory.', rss),
      gauge('nodejs_heap_used_bytes', 'Memory of the JavaScript heap in use.', heapUsed),
      gauge('nodejs_eventloop_delay_p99_seconds', 'Delay of the event loop that 99 of 100 turns stay below, since the start.', this.loop.percentile(99) / NANOSECONDS),
      gauge('nodejs_eventloop_delay_max_seconds', 'Longest delay of the event loop since the start.', this.loop.max / NANOSECONDS),
    ];
  }
}
