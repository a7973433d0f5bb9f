const BASE_MS = 100;
const CAP_MS = 5_000;

/** Capped exponential back-off with full jitter: many processes that lost the same server do not return together. */
export function backoffMs(attempt: number, random: () => number = Math.random): number {
  return Math.floor(random() * Math.min(CAP_MS, BASE_MS * 2 ** Math.min(attempt, 16)));
}
