import type { Refusal, RefusalStage } from './status.js';

// What the server takes; a schema may have far more to say.
const LONGEST_REASON = 2_000;

/** A refusal as it is shown and reported: its reason is bounded, never empty and without NUL. */
export function refusalOf({ revision, etag }: { readonly revision: number; readonly etag: string }, stage: RefusalStage, reason: string): Refusal {
  const text = reason.replaceAll('\0', '\uFFFD');
  const bounded = text.length > LONGEST_REASON ? `${text.slice(0, LONGEST_REASON - 1)}…` : text;
  return { revision, etag, stage, reason: bounded === '' ? 'no reason was given' : bounded, at: new Date() };
}
