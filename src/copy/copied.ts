import type { PersonName } from '../kernel/actor';
import type { LayerName } from '../kernel/names';
import type { Revision } from '../kernel/revision';

export interface CopiedEnvironment {
  readonly id: number;
  readonly name: string;
  readonly parentId: number | null;
}

export interface CopiedService {
  readonly id: number;
  readonly name: string;
  readonly archived: boolean;
}

/** As `access` has it. */
export interface CopiedGrant {
  readonly role: string;
  readonly services: string;
  readonly environment: string;
  readonly reveal?: boolean;
}

/** A usable credential as it is stored: by the hash of its secret. */
export interface CopiedCredential {
  /** Base64. */
  readonly hash: string;
  readonly kind: 'token' | 'client-key';
  readonly id: string;
  readonly name: string;
  readonly person?: PersonName;
  readonly grants?: readonly CopiedGrant[];
  readonly limits?: readonly CopiedGrant[];
  readonly service?: string;
  readonly environment?: string;
  /** ISO 8601. */
  readonly expiresAt?: string;
  /** Of two with one id, the one whose secret was replaced. */
  readonly isPrevious?: true;
}

/** A key that values are sealed with, wrapped by a master key that is not here. */
export interface CopiedDataKey {
  readonly id: string;
  readonly service: string;
  readonly masterKey: string;
  /** Base64. */
  readonly wrapped: string;
  readonly retired?: boolean;
}

/** What a process knew besides its snapshots, all of one moment. */
export interface CopiedState {
  /** Identity of the log; a copy of one log says nothing about another. */
  readonly log: string;
  /** The log revision up to which everything was known. Every snapshot of the copy is the newest as of it. */
  readonly position: Revision;
  /** Tells the revision it names from another that has the same number in another history of the log. */
  readonly mark?: { readonly revision: Revision; readonly text: string };
  readonly environments: readonly CopiedEnvironment[];
  readonly services: readonly CopiedService[];
  readonly credentials: readonly CopiedCredential[];
  /** Absent in copies of processes that did not know of any. */
  readonly dataKeys?: readonly CopiedDataKey[];
}

/** One snapshot of the copy. `record` is what `Snapshot.record()` gave, for `Snapshot.restore()`. */
export interface CopiedSnapshot {
  readonly record: unknown;
  /** Keys whose next move could change it. */
  readonly dependsOn: readonly string[];
}

/** A snapshot that is the newest, as a {@link CopySource} hands it over. */
export interface CapturedSnapshot {
  readonly target: LayerName;
  readonly revision: Revision;
  readonly etag: string;
  readonly dependsOn: ReadonlySet<string>;
  record(): unknown;
}

export interface Capture {
  readonly state: CopiedState;
  /** Longest unused first: these are given up first when the copy is full. */
  readonly snapshots: readonly CapturedSnapshot[];
  /** Snapshots that a move has made stale and that are not among {@link snapshots}. */
  readonly stale: number;
  /** Whether any of the keys has moved after a position. */
  moved(keys: readonly string[], since: Revision): boolean;
}

/** What a disk copy follows. */
export interface CopySource {
  /** Tells that there may be something new to copy. Returns how to stop it. */
  onChange(listener: () => void): () => void;
  /** Resolves anew what is stale. False when that is impossible now: then nothing is written, and what is on disk stays. */
  settle(): Promise<boolean>;
  /** Everything as of this very moment; undefined while nothing is known that could be copied. */
  capture(): Capture | undefined;
}
