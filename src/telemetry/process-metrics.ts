import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { Registry } from 'prom-client';
import { version } from '../../package.json';
import { Collected } from './collected';

const NANOSECONDS = 1e9;
const LOOP_RESOLUTION_MS = 20;
/** The delays of one window are told until the end of the next, so that no scrape misses a peak. */
const LOOP_WINDOW_MS = 30_000;

interface LoopDelay {
  readonly p99: number;
  readonly max: number;
}

/** What the process says about itself. */
@Injectable()
export class ProcessMetrics implements OnModuleDestroy {
  private readonly loop = monitorEventLoopDelay({ resolution: LOOP_RESOLUTION_MS });
  private readonly turning: NodeJS.Timeout;
  private before: LoopDelay = { p99: 0, max: 0 };

  constructor(registry: Registry) {
    this.loop.enable();
    this.turning = setInterval(() => this.turn(), LOOP_WINDOW_MS).unref();
    const collected = new Collected(registry);
    collected.gauges('trimtab_build_info', 'Always 1; the version is in the label.', 'version', () => ({ [version]: 1 }));
    collected.counter('process_cpu_seconds_total', 'Processor time used.', () => cpuSeconds());
    collected.gauge('process_start_time_seconds', 'When the process started, in Unix time.', () => Math.round(performance.timeOrigin / 1_000));
    collected.gauge('process_resident_memory_bytes', 'Resident memory.', () => process.memoryUsage.rss());
    collected.gauge('nodejs_heap_used_bytes', 'Memory of the JavaScript heap in use.', () => process.memoryUsage().heapUsed);
    collected.gauge('nodejs_eventloop_delay_p99_seconds', 'Delay of the event loop that 99 of 100 turns of the last minute stayed below.', () => Math.max(this.before.p99, this.delay().p99));
    collected.gauge('nodejs_eventloop_delay_max_seconds', 'Longest delay of the event loop in the last minute.', () => Math.max(this.before.max, this.delay().max));
  }

  onModuleDestroy(): void {
    clearInterval(this.turning);
    this.loop.disable();
  }

  private turn(): void {
    this.before = this.delay();
    this.loop.reset();
  }

  /** What is measured are the distances between ticks of a timer: on time, they are its resolution. */
  private delay(): LoopDelay {
    const beyond = (nanoseconds: number): number => Math.max(0, nanoseconds / NANOSECONDS - LOOP_RESOLUTION_MS / 1_000);
    return { p99: beyond(this.loop.percentile(99)), max: beyond(this.loop.max) };
  }
}

function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}
