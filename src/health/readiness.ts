import { Inject, Injectable } from '@nestjs/common';
import { setTimeout as sleep } from 'node:timers/promises';
import { DataSource } from 'typeorm';
import { CLOCK, type Clock } from '../kernel/clock';
import { LogListener } from '../notify/log-listener';
import { SnapshotStore } from '../snapshots/snapshot-store';
import { Shutdown } from './shutdown';

export interface ReadinessReport {
  readonly status: 'ready' | 'not-ready';
  readonly checks: {
    /** Answers within {@link DATABASE_TIMEOUT_MS}. */
    readonly database: 'up' | 'down';
    /** A session listens for news of the log. */
    readonly listener: 'up' | 'down';
    /** Revisions that were published and have not been read here yet; null when the database cannot be asked. */
    readonly lag: number | null;
    readonly shuttingDown: boolean;
  };
}

const DATABASE_TIMEOUT_MS = 2_000;
/** The page is public: however often it is asked for, the database is asked this often at most. */
const KEPT_MS = 500;
/** Being behind is normal for a moment, and a reason to take the process out when it does not end. */
const MAX_BEHIND_MS = 10_000;

/** Whether this process should be sent requests. */
@Injectable()
export class Readiness {
  private asked: { readonly at: number; readonly head: Promise<number | undefined> } | undefined;
  private behindSince: number | undefined;

  constructor(
    private readonly dataSource: DataSource,
    private readonly log: LogListener,
    private readonly snapshots: SnapshotStore,
    private readonly shutdown: Shutdown,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  async report(): Promise<ReadinessReport> {
    const head = await this.headOfLog();
    const lag = head === undefined ? null : Math.max(0, head - this.snapshots.position);
    const shuttingDown = this.shutdown.inProgress;
    const isReady = head !== undefined && this.log.connected && !shuttingDown && !this.isStuckBehind(lag ?? 0);
    return {
      status: isReady ? 'ready' : 'not-ready',
      checks: { database: head === undefined ? 'down' : 'up', listener: this.log.connected ? 'up' : 'down', lag, shuttingDown },
    };
  }

  private isStuckBehind(lag: number): boolean {
    const now = this.clock.now().getTime();
    this.behindSince = lag === 0 ? undefined : (this.behindSince ?? now);
    return this.behindSince !== undefined && now - this.behindSince > MAX_BEHIND_MS;
  }

  private headOfLog(): Promise<number | undefined> {
    const now = this.clock.now().getTime();
    if (this.asked === undefined || Math.abs(now - this.asked.at) >= KEPT_MS) {
      this.asked = { at: now, head: this.askDatabase() };
    }
    return this.asked.head;
  }

  private async askDatabase(): Promise<number | undefined> {
    const done = new AbortController();
    try {
      const answer = this.dataSource.query<{ head: string }[]>('SELECT coalesce(max(id), 0) AS head FROM revision').then(([row]) => Number(row?.head));
      return await Promise.race([answer, sleep(DATABASE_TIMEOUT_MS, undefined, { signal: done.signal, ref: false })]);
    } catch {
      return undefined;
    } finally {
      done.abort();
    }
  }
}
