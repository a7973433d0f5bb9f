import type { Revision } from '../kernel/revision';

/** How far everything has moved that replicas keep in memory: the newest revision, and a counter for each of the rest. */
export interface Heads {
  readonly revision: Revision;
  readonly catalog: number;
  readonly access: number;
}

export function sameHeads(one: Heads | undefined, other: Heads | undefined): boolean {
  return one?.revision === other?.revision && one?.catalog === other?.catalog && one?.access === other?.access;
}
