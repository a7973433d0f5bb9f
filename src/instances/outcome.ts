import type { TransportName } from '../feed/feed-observer';
import type { Revision } from '../kernel/revision';
import type { InstanceState } from './instance';

/**
 * What an instance has done about a revision. `taken`: it runs the revision, something newer, or content equal to what
 * is newest; `refused`: it was given that content and keeps what it had; `pending`: neither yet; `silent`: neither as
 * far as anyone can know, because its transport has no way to tell.
 */
export const OUTCOMES = ['taken', 'refused', 'pending', 'silent'] as const;
export type Outcome = (typeof OUTCOMES)[number];

/** As much of an instance as decides its outcome. */
export interface Standing {
  readonly state: InstanceState;
  readonly appliedRevision: Revision | undefined;
  readonly revision: Revision | undefined;
  readonly etag: string | undefined;
  readonly transport: TransportName;
}

/**
 * The outcome of `revision` for an instance whose effective config depends on what it touched. `newest` is the ETag of
 * that config at a log position that is not before `revision`; undefined while it is not known, when only what an
 * instance has reported counts.
 *
 * A revision that an instance presented when it connected proves nothing: it is how much of the log it has heard of.
 * A revision that leaves a config's content as it was is never sent, so it is taken by holding that content.
 */
export function outcomeOf({ state, appliedRevision, revision, etag, transport }: Standing, asked: Revision, newest: string | undefined): Outcome {
  if (appliedRevision !== undefined && appliedRevision >= asked) return 'taken';
  const holdsNewest = etag !== undefined && etag === newest;
  if (state === 'refused') return holdsNewest || (revision ?? 0) >= asked ? 'refused' : 'pending';
  if (holdsNewest) return 'taken';
  return isSilent(transport, etag) ? 'silent' : 'pending';
}

/** A stream never says what it holds, a poller says it with its next request, if it keeps the ETag. */
function isSilent(transport: TransportName, etag: string | undefined): boolean {
  return transport === 'sse' || (transport === 'long-poll' && etag === undefined);
}
