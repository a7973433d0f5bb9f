import type { Revision } from '../kernel/revision';

/** How far everything has moved that replicas keep in memory: the newest revision, and a counter for each of the rest. */
export interface Heads {
  readonly revision: Revision;
  readonly catalog: number;
  readonly access: number;
  /** Tells the log that ends there from another of the same length. */
  readonly mark?: string;
}

export function sameHeads(one: Heads | undefined, other: Heads | undefined): boolean {
  return one?.revision === other?.revision && one?.catalog === other?.catalog && one?.access === other?.access && one?.mark === other?.mark;
}
