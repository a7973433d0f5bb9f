/** How many failures are free, and how the pauses grow after them. */
export interface AttemptLimit {
  readonly free: number;
  /** Longest pause, however many fail. */
  readonly maxPauseSeconds: number;
  /** After this long without an attempt everything is forgotten. */
  readonly memorySeconds: number;
}

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/**
 * What attempts are counted by. A browser that somebody has signed in with before is counted by itself (`device`) and by
 * nothing else; so nobody who guesses elsewhere, from however many addresses, keeps that person out. Everybody else counts
 * by login and address together (`pair`), by login (many addresses guess one person's password) and by address (one guesses
 * many people's).
 */
export const ATTEMPT_LIMITS = {
  device: { free: 8, maxPauseSeconds: 15 * MINUTE, memorySeconds: DAY },
  pair: { free: 5, maxPauseSeconds: 15 * MINUTE, memorySeconds: DAY },
  login: { free: 20, maxPauseSeconds: 15 * MINUTE, memorySeconds: DAY },
  // Many people may share one: short pauses, soon forgotten.
  address: { free: 50, maxPauseSeconds: MINUTE, memorySeconds: HOUR },
  // Secrets of 256 bits cannot be guessed; this is only so that nobody makes us look them up without end.
  link: { free: 20, maxPauseSeconds: MINUTE, memorySeconds: HOUR },
} as const satisfies Record<string, AttemptLimit>;

export type AttemptKind = keyof typeof ATTEMPT_LIMITS;

/** How long after this many failures nothing is tried: 1, 2, 4, … seconds from the first that is not free. */
export function pauseAfter(failures: number, { free, maxPauseSeconds }: AttemptLimit): number {
  return failures < free ? 0 : Math.min(maxPauseSeconds, 2 ** Math.min(failures - free, 30));
}
