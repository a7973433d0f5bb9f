import type { Socket } from 'node:net';
import { DomainError } from '../kernel/domain-error';
import type { Settings } from '../settings/settings';
import type { FeedCounters } from './feed-counters';
import type { FeedScheduler } from './feed-scheduler';
import { SlicedTasks } from './sliced-tasks';

/** Connections that are admitted and not answered yet. What they send at once is worked on in one turn of the loop. */
const PLACES = 256;
/** Who has not been answered by then no longer counts: silent connections must not keep the others out. */
const PLACE_MS = 100;
/** How often places are looked through while nobody else can be admitted. */
const SWEEP_MS = 20;
/** How much the newest slice counts in the moving figure of the pace. */
const PACE_WEIGHT = 0.1;

/** A connection that wants in. */
export interface Applicant {
  readonly socket: Socket;
  admit(): void;
  /** The wait would be longer than is bearable. */
  refuse(waitMs: number): void;
}

/**
 * Lets new connections in at the rate at which the process can serve them, however many come at once: oldest first, in
 * slices of the event loop, and only so many between admission and answer. Those who would wait too long are told so at
 * once, and come back when others are through.
 *
 * States of an applicant: `waiting` → admitted, until {@link leave}; or → refused. One whose connection is gone is skipped.
 */
export class AdmissionQueue {
  private readonly waiting = new Set<Applicant>();
  /** Since when, oldest first. */
  private readonly places = new Map<Applicant, number>();
  private readonly tasks: SlicedTasks;
  private readonly counts: FeedCounters['admissions'];
  private readonly sliceMs: number;
  private readonly maxWaitMs: number;
  private scheduled = false;
  /** Somebody has come since the event loop last had its turn. */
  private arriving = false;
  private slicedAt = -Infinity;
  private stopTimer: (() => void) | undefined;
  /** Milliseconds from one admission to the next while others wait, as a moving average. */
  private pace = 1;
  private busySince: number | undefined;

  constructor(
    private readonly scheduler: FeedScheduler,
    { admissions }: FeedCounters,
    { sliceMs, maxAdmissionWaitMs }: Settings['feed'],
  ) {
    this.tasks = new SlicedTasks(scheduler, sliceMs);
    this.counts = admissions;
    this.sliceMs = sliceMs;
    this.maxWaitMs = maxAdmissionWaitMs;
  }

  enter(applicant: Applicant): void {
    const waitMs = this.waiting.size * this.pace;
    if (waitMs > this.maxWaitMs) {
      this.counts.refused += 1;
      this.soon(() => applicant.refuse(waitMs));
      return;
    }
    this.waiting.add(applicant);
    this.counts.waiting = this.waiting.size;
    this.arriving = true;
    this.schedule();
  }

  /** Small work on connections, that very many can ask for in the same turn. */
  soon(task: () => void): void {
    this.tasks.add(task);
  }

  /** The connection has been answered, one way or the other. */
  leave(applicant: Applicant): void {
    if (this.places.delete(applicant)) this.schedule();
  }

  /**
   * Does the work that lets `socket` in when its turn has come. If the connection ends while it waits, nothing happens
   * any more. Rejects with `unavailable` if the wait would be too long.
   */
  async through<T>(socket: Socket, work: () => Promise<T>): Promise<T> {
    const applicant = await new Promise<Applicant>((resolve, reject) => {
      const entering: Applicant = { socket, admit: () => resolve(entering), refuse: (waitMs) => reject(tooMany(waitMs)) };
      this.enter(entering);
    });
    try {
      return await work();
    } finally {
      this.leave(applicant);
    }
  }

  /** Ends the connections that wait. */
  close(): void {
    this.stopTimer?.();
    for (const { socket } of this.waiting) socket.destroy();
    this.waiting.clear();
  }

  private schedule(): void {
    if (this.scheduled || this.waiting.size === 0) return;
    if (this.places.size >= PLACES) {
      this.stopTimer ??= this.scheduler.after(SWEEP_MS, () => this.sweep());
      return;
    }
    this.scheduled = true;
    this.scheduler.soon(() => {
      this.scheduled = false;
      if (this.mayAdmit()) void this.slice().then(() => this.schedule());
      else this.schedule();
    });
  }

  /**
   * Node accepts one connection in each turn of the loop. While more keep coming, as much time as for admissions is left
   * to turns that do nothing else: whoever waits in the backlog of the kernel, health checks among them, waits unseen.
   */
  private mayAdmit(): boolean {
    const { arriving } = this;
    this.arriving = false;
    return !arriving || this.scheduler.now() - this.slicedAt >= this.sliceMs;
  }

  private async slice(): Promise<void> {
    const start = this.scheduler.now();
    let now = start;
    let admitted = 0;
    while (this.places.size < PLACES && now - start < this.sliceMs) {
      const [applicant] = this.waiting;
      if (applicant === undefined) break;
      this.waiting.delete(applicant);
      if (applicant.socket.destroyed) continue;
      this.places.set(applicant, now);
      admitted += 1;
      applicant.admit();
      // What an admission leaves for the next microtask is a good part of what it costs.
      await undefined;
      now = this.scheduler.now();
    }
    this.slicedAt = now;
    this.counts.admitted += admitted;
    this.counts.waiting = this.waiting.size;
    this.measure(start, now, admitted);
  }

  private measure(start: number, now: number, admitted: number): void {
    if (this.busySince !== undefined && admitted > 0) {
      const elapsed = (now - this.busySince) / admitted;
      this.pace += (elapsed - this.pace) * PACE_WEIGHT;
    }
    this.busySince = this.waiting.size > 0 ? (admitted > 0 ? now : (this.busySince ?? start)) : undefined;
  }

  private sweep(): void {
    this.stopTimer = undefined;
    const longAgo = this.scheduler.now() - PLACE_MS;
    for (const [applicant, since] of this.places) {
      if (since <= longAgo || applicant.socket.destroyed) this.places.delete(applicant);
    }
    this.schedule();
  }
}

/** Why somebody is refused who would have to wait this long. */
export function tooMany(waitMs: number): DomainError {
  const retryAfter = Math.ceil(waitMs / 1_000);
  return new DomainError('unavailable', 'Very many clients are connecting right now. Try again later.', { extra: { retryAfter } });
}
