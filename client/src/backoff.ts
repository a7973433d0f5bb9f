/**
 * Capped exponential back-off with full jitter: the n-th delay is a random part of `base · 2ⁿ`, and of `cap` once that
 * is reached. Spreading the whole delay, not a little of its end, is what keeps clients that lost the same server from
 * coming back together.
 */
export class Backoff {
  readonly #baseMs: number;
  readonly #capMs: number;
  readonly #random: () => number;
  #attempts = 0;

  constructor(baseMs: number, capMs: number, random: () => number = Math.random) {
    this.#baseMs = baseMs;
    this.#capMs = capMs;
    this.#random = random;
  }

  /** The next delay in milliseconds. */
  next(): number {
    const ceiling = Math.min(this.#capMs, this.#baseMs * 2 ** this.#attempts);
    if (ceiling < this.#capMs) this.#attempts++;
    return this.#random() * ceiling;
  }

  /** Begins anew, after a connection that held. */
  reset(): void {
    this.#attempts = 0;
  }
}
