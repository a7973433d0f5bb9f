import type { FeedCounters } from './feed-counters';
import type { FeedScheduler } from './feed-scheduler';

/** Clients that take a large message at the same time: each may have megabytes of it in the buffers of the kernel. */
const PLACES = 16;
/** Who takes longer no longer counts: a stuck client costs the others this much, and once. */
const PLACE_MS = 2_000;

/** Somebody with a large message to get. */
export interface LaneMember {
  /** It is its turn: {@link LargeLane.enter} lets it in now, if there still is something large to send. */
  flush(): void;
}

/**
 * Lets a few clients at a time take a large message, first come, first served. What is sent is decided when its turn
 * has come, so a client gets what is newest then, and nothing is kept for those who wait.
 *
 * States of a member: outside → `waiting` → `inside` → outside, when it has taken the message, has left, or has been
 * inside for too long.
 */
export class LargeLane<Member extends LaneMember> {
  private readonly waiting = new Set<Member>();
  /** Since when, oldest first. */
  private readonly inside = new Map<Member, number>();
  private called: Member | undefined;
  private scheduled = false;
  private stopTimer: (() => void) | undefined;

  constructor(
    private readonly scheduler: FeedScheduler,
    private readonly sliceMs: number,
    private readonly counters: FeedCounters,
  ) {}

  /** Whether the member may send now. If not, it is called when its turn has come. */
  enter(member: Member): boolean {
    if (this.called === member) {
      this.waiting.delete(member);
      this.inside.set(member, this.scheduler.now());
      this.count();
      return true;
    }
    this.waiting.add(member);
    this.schedule();
    this.count();
    return false;
  }

  /** It has taken what it was sent. */
  taken(member: Member): void {
    if (!this.inside.delete(member)) return;
    this.schedule();
    this.count();
  }

  /** It is gone, or has nothing large to get any more. */
  leave(member: Member): void {
    if (this.waiting.delete(member)) this.count();
    this.taken(member);
  }

  close(): void {
    this.waiting.clear();
    this.stopTimer?.();
  }

  private schedule(): void {
    if (this.scheduled || this.waiting.size === 0) return;
    if (this.inside.size >= PLACES) return this.scheduleExpiry();
    this.scheduled = true;
    this.scheduler.soon(() => {
      this.scheduled = false;
      this.slice();
      this.schedule();
    });
  }

  private slice(): void {
    const start = this.scheduler.now();
    let now = start;
    while (this.inside.size < PLACES && now - start < this.sliceMs) {
      const next = this.waiting.values().next();
      if (next.done) break;
      this.called = next.value;
      this.called.flush();
      this.called = undefined;
      // It may have had nothing to send after all.
      this.waiting.delete(next.value);
      now = this.scheduler.now();
    }
    this.counters.slice(now - start);
    this.count();
  }

  private scheduleExpiry(): void {
    const [oldest = 0] = this.inside.values();
    this.stopTimer ??= this.scheduler.after(Math.max(1, oldest + PLACE_MS - this.scheduler.now()), () => {
      this.stopTimer = undefined;
      const longAgo = this.scheduler.now() - PLACE_MS;
      for (const [member, since] of this.inside) if (since <= longAgo) this.inside.delete(member);
      this.schedule();
      this.count();
    });
  }

  private count(): void {
    this.counters.largeMessages.underWay = this.inside.size;
    this.counters.largeMessages.waiting = this.waiting.size;
  }
}
