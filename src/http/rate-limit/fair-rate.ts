import { Buckets, type Rate } from './buckets';

/** Two different ones within this time are there together. */
const TOGETHER_MS = 1_000;

/** Who is there, as far as it takes to know whether somebody is alone. Shared by all who count the same callers. */
export class Company {
  private last: string | undefined;
  private metAt = -Infinity;

  constructor(private readonly now: () => number = () => performance.now()) {}

  /** `key` is there. */
  enter(key: string): void {
    if (key === this.last) return;
    if (this.last !== undefined) this.metAt = this.now();
    this.last = key;
  }

  /** Whether at least two have been there a moment ago. */
  get isShared(): boolean {
    return this.now() - this.metAt < TOGETHER_MS;
  }
}

/**
 * A rate for each caller that keeps one from starving the others. As long as nobody else is there, nobody starves: what
 * the process can do is then one caller's to use.
 */
export class FairRate {
  private readonly buckets: Buckets;

  constructor(
    readonly rate: Rate,
    private readonly company: Company,
    now?: () => number,
  ) {
    this.buckets = new Buckets(rate, now);
  }

  /** 0, or for how many milliseconds the caller has to leave room for the others. */
  take(key: string): number {
    this.company.enter(key);
    const waitMs = this.buckets.take(key);
    return waitMs > 0 && this.company.isShared ? waitMs : 0;
  }

  left(key: string): number {
    return this.buckets.left(key);
  }
}
