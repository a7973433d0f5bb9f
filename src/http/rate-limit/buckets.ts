import { LRUCache } from 'lru-cache';

export interface Rate {
  /** What flows back into the bucket. */
  readonly perSecond: number;
  /** What it holds: so much may be taken in one moment. */
  readonly burst: number;
}

/** Whoever was seen longest ago is forgotten beyond this, which costs at most the memory of what they have taken. */
const MAX_KEYS = 20_000;

/**
 * A bucket for each key, by the generic cell rate algorithm: of each only the moment is kept at which it will be full
 * again. Nothing runs by itself, and a key nobody uses takes no more than its place in the list.
 */
export class Buckets {
  private readonly fullAt = new LRUCache<string, number>({ max: MAX_KEYS });
  /** Milliseconds that one takes to flow back, and that the whole does. */
  private readonly oneMs: number;
  private readonly allMs: number;

  constructor(
    readonly rate: Rate,
    private readonly now: () => number = () => performance.now(),
  ) {
    this.oneMs = 1_000 / rate.perSecond;
    this.allMs = this.oneMs * rate.burst;
  }

  /** Takes one. Answers 0, or for how many milliseconds there is none to take; then nothing is taken. */
  take(key: string): number {
    const now = this.now();
    const fullAt = Math.max(this.fullAt.get(key) ?? now, now) + this.oneMs;
    const waitMs = fullAt - now - this.allMs;
    if (waitMs > 0) return waitMs;
    this.fullAt.set(key, fullAt);
    return 0;
  }

  /** How many are left. */
  left(key: string): number {
    const missingMs = Math.max(0, (this.fullAt.peek(key) ?? 0) - this.now());
    return Math.floor((this.allMs - missingMs) / this.oneMs);
  }
}
