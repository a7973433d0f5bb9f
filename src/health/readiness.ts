import { Injectable } from '@nestjs/common';
import { setTimeout as sleep } from 'node:timers/promises';
import { DataSource } from 'typeorm';
import { DiskCopy, type CopyStatus } from '../copy/disk-copy';
import type { Revision } from '../kernel/revision';
import { LogListener } from '../notify/log-listener';
import { HeadIndex } from '../releases/head-index';
import { Shutdown } from './shutdown';

export interface ReadinessReport {
  /** For what was asked: by default for reads and the feed. */
  readonly status: 'ready' | 'not-ready';
  /** What reads and the feed are answered from: the log as it is, or what was known of it, in memory and on disk. */
  readonly serving: 'log' | 'copy';
  readonly checks: {
    /** Answers within {@link DATABASE_TIMEOUT_MS}. */
    readonly database: 'up' | 'down';
    /** A session listens for news of the log. */
    readonly listener: 'up' | 'down';
    /** Since the listener last had an answer of the database; null before the first. */
    readonly listenerAgeMs: number | null;
    /** Revisions that were published and have not been read here yet; null when the database cannot be asked. */
    readonly lag: number | null;
    /** The revision up to which everything is known here. */
    readonly position: Revision;
    /** How far the database's clock is ahead of this process's; null before the first answer. */
    readonly clockOffsetMs: number | null;
    readonly shuttingDown: boolean;
  };
  readonly log: LogReport;
  readonly copy: CopyStatus;
}

export interface LogReport {
  /** `unread`: the database has not answered since the start. `regressed`: it has lost revisions that were handed out. */
  readonly state: 'followed' | 'unread' | 'regressed';
  readonly reason?: 'shorter' | 'rewritten' | 'other';
  /** Only when it has regressed: where it ends, and what was handed out. */
  readonly head?: Revision;
  readonly seen?: Revision;
  /** Positions that clients have shown and the log has not: how often, and the highest. */
  readonly clientsAhead: { readonly count: number; readonly highest: Revision };
}

const DATABASE_TIMEOUT_MS = 2_000;
/** The page is public: however often it is asked for, the database is asked this often at most. */
const KEPT_MS = 500;
/** Being behind, or without a listener, is normal for a moment, and a reason to take the process out when it does not end. */
const MAX_BEHIND_MS = 10_000;

/**
 * Whether this process should be sent requests. Without the database it should: every other process is as badly off, and
 * taking all of them out would leave clients without what each of them could still give. What only works with the
 * database can be asked for by itself. All durations are monotonic: clocks jump.
 */
@Injectable()
export class Readiness {
  private asked: { readonly at: number; readonly head: Promise<number | undefined> } | undefined;
  private behindSince: number | undefined;

  constructor(
    private readonly dataSource: DataSource,
    private readonly listener: LogListener,
    private readonly heads: HeadIndex,
    private readonly copy: DiskCopy,
    private readonly shutdown: Shutdown,
  ) {}

  async report(purpose: 'reading' | 'publishing' = 'reading'): Promise<ReadinessReport> {
    const head = await this.headOfLog();
    const log = this.logReport();
    const lag = head === undefined ? null : Math.max(0, head - this.heads.position);
    const shuttingDown = this.shutdown.inProgress;
    const canPublish = head !== undefined && log.state === 'followed';
    const isReady = !shuttingDown && !this.isStuckBehind(head, lag ?? 0) && (purpose === 'reading' || canPublish);
    return {
      status: isReady ? 'ready' : 'not-ready',
      serving: canPublish ? 'log' : 'copy',
      checks: {
        database: head === undefined ? 'down' : 'up',
        listener: this.listener.connected ? 'up' : 'down',
        listenerAgeMs: this.listener.checkAgeMs < 0 ? null : Math.round(this.listener.checkAgeMs),
        lag,
        position: this.heads.position,
        clockOffsetMs: this.listener.clockOffsetMs === undefined ? null : Math.round(this.listener.clockOffsetMs),
        shuttingDown,
      },
      log,
      copy: this.copy.status,
    };
  }

  private logReport(): LogReport {
    const { regression, following, clientsAhead } = this.heads;
    if (regression !== undefined) return { state: 'regressed', ...regression, clientsAhead };
    return { state: following === undefined ? 'unread' : 'followed', clientsAhead };
  }

  /** Only while the database answers: then others may be better off. */
  private isStuckBehind(head: number | undefined, lag: number): boolean {
    const isBehind = head !== undefined && (lag > 0 || !this.listener.connected);
    const now = performance.now();
    this.behindSince = isBehind ? (this.behindSince ?? now) : undefined;
    return this.behindSince !== undefined && now - this.behindSince > MAX_BEHIND_MS;
  }

  private headOfLog(): Promise<number | undefined> {
    const now = performance.now();
    if (this.asked === undefined || now - this.asked.at >= KEPT_MS) this.asked = { at: now, head: this.askDatabase() };
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
