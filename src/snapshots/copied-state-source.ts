import type { CopiedState } from '../copy/copied';

/** What belongs into the disk copy of this process besides its snapshots. */
export interface CopiedStateSource {
  /** As of this moment; undefined while the origin is not followed, so that nothing worse than what is on disk replaces it. */
  read(): CopiedState | undefined;
  /** Tells that it has changed. Returns how to stop it. */
  onChange(listener: () => void): () => void;
}

/** Injection token of the {@link CopiedStateSource}. */
export const COPIED_STATE_SOURCE = Symbol('CopiedStateSource');
