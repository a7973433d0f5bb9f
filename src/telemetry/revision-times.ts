import { Injectable, Logger, type OnModuleDestroy } from '@nestjs/common';
import { DataSource } from 'typeorm';
import type { Revision } from '../kernel/revision';
import { HeadIndex } from '../releases/head-index';
import { ReleaseLog, type Commit } from '../releases/release-log';
import { TraceClock } from './tracing/trace-clock';

/** When a revision was committed, in milliseconds of this process's monotonic clock, and what it is traced by. */
export interface RevisionTime {
  readonly revision: Revision;
  readonly committedAt: number;
  /** When this process had read it: what it serves from then on contains it. */
  readonly learntAt: number;
  /** Committed by this process. */
  readonly own: boolean;
  readonly traceparent: string | undefined;
}

/** Revisions remembered, and revisions read at once: who is further behind than that is not measured by it. */
const KEPT = 1_024;
const READ_AT_ONCE = 256;
const MAX_WAITING = 10_000;

interface AgeRow {
  readonly id: string;
  readonly age_ms: number;
  readonly now_ms: number;
  readonly traceparent: string | null;
}

/**
 * When the newest revisions were committed. No wall clock of two machines is ever compared: what this process committed
 * it timed itself, and for the rest Postgres says, by its own clock alone, how old each revision is at the moment it is
 * asked, which is a moment this process knows on its monotonic clock.
 *
 * The asking follows the log and is nothing that a client waits for; what is asked about a revision meanwhile is
 * answered when the ages are there.
 */
@Injectable()
export class RevisionTimes implements OnModuleDestroy {
  private readonly logger = new Logger(RevisionTimes.name);
  private readonly times = new Map<Revision, RevisionTime>();
  private readonly listeners = new Set<(time: RevisionTime) => void>();
  private readonly stops: (() => void)[];
  private waiting: { readonly revision: Revision; readonly tell: (time: RevisionTime) => void }[] = [];
  /** Revisions up to this one are known, or will never be. */
  private known: Revision | undefined;
  private learnt: { readonly position: Revision; readonly at: number }[] = [];
  private asking = false;
  private clockHeard = false;

  constructor(
    private readonly dataSource: DataSource,
    private readonly heads: HeadIndex,
    log: ReleaseLog,
    private readonly clock: TraceClock,
  ) {
    this.stops = [log.onCommit((commit) => this.committed(commit)), heads.onMove((_moves, position) => this.moved(position))];
  }

  onModuleDestroy(): void {
    for (const stop of this.stops) stop();
    this.waiting = [];
  }

  get(revision: Revision): RevisionTime | undefined {
    return this.times.get(revision);
  }

  /** Calls back now or, for a revision that is just being learnt of, in a moment; not at all for one long ago. */
  whenKnown(revision: Revision, tell: (time: RevisionTime) => void): void {
    const time = this.times.get(revision);
    if (time !== undefined) tell(time);
    else if (this.asking && this.waiting.length < MAX_WAITING) this.waiting.push({ revision, tell });
  }

  /** Tells of every revision as it becomes known here, whoever committed it. */
  onRevision(listener: (time: RevisionTime) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  private committed({ published, committedAt }: Commit): void {
    for (const { proposal, revision } of published) {
      this.add({ revision, committedAt, learntAt: committedAt, own: true, traceparent: proposal.actor.traceparent });
    }
  }

  private moved(position: Revision): void {
    const first = this.known === undefined;
    // What was there before this process has no moment at which it was news here.
    this.known ??= position;
    if (first || position <= this.known) return;
    this.learnt.push({ position, at: performance.now() });
    if (this.learnt.length > KEPT) this.learnt.shift();
    if (!this.asking) void this.ask();
  }

  private async ask(): Promise<void> {
    this.asking = true;
    try {
      while (this.learnt.length > 0) await this.read();
    } catch (error) {
      // Missing in the figures only; what comes next is measured again.
      this.logger.debug(`The ages of revisions are not known: ${String(error)}`);
      this.learnt = [];
    } finally {
      this.asking = false;
      this.waiting = [];
    }
  }

  private async read(): Promise<void> {
    const { learnt } = this;
    this.learnt = [];
    const after = this.known ?? 0;
    const position = learnt.at(-1)?.position ?? after;
    this.known = Math.max(after, position);
    if (this.clockHeard && this.isOwn(after, position)) return this.settle();
    const before = performance.now();
    const rows = await this.dataSource.query<AgeRow[]>(
      `SELECT id, traceparent, extract(epoch FROM now - created_at)::float8 * 1000 AS age_ms, extract(epoch FROM now)::float8 * 1000 AS now_ms
         FROM (SELECT clock_timestamp() AS now) clock
        CROSS JOIN LATERAL (SELECT id, created_at, traceparent FROM revision WHERE id > $1 AND id <= $2 ORDER BY id DESC LIMIT ${READ_AT_ONCE}) newest`,
      [after, position],
    );
    const asked = (before + performance.now()) / 2;
    for (const { id, age_ms, now_ms, traceparent } of rows.reverse()) {
      const revision = Number(id);
      this.clock.heard(now_ms, asked);
      this.clockHeard = true;
      if (this.times.has(revision)) continue;
      const learntAt = learnt.find((step) => step.position >= revision)?.at ?? asked;
      this.add({ revision, committedAt: Math.min(asked - age_ms, learntAt), learntAt, own: false, traceparent: traceparent ?? undefined });
    }
    this.settle();
  }

  private isOwn(after: Revision, position: Revision): boolean {
    for (let revision = after + 1; revision <= position; revision += 1) if (!this.times.has(revision)) return false;
    return true;
  }

  private add(time: RevisionTime): void {
    this.times.set(time.revision, time);
    if (this.times.size > KEPT) this.times.delete(this.times.keys().next().value as Revision);
    for (const listener of this.listeners) listener(time);
  }

  private settle(): void {
    const { waiting } = this;
    this.waiting = [];
    for (const { revision, tell } of waiting) {
      const time = this.times.get(revision);
      if (time !== undefined) tell(time);
      else if (revision > (this.known ?? 0)) this.waiting.push({ revision, tell });
    }
  }
}
