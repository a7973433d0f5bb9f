import type { Documents, LayerVersion, SecretsNote } from './protocol.js';
import { parsePath, readPath } from './read-path.js';
import type { ConfigSource } from './status.js';

// Paths come from the code, so there are few. A program that makes them up at run time must not fill the memory.
const REMEMBERED_PATHS = 10_000;

/** A snapshot as it was received, verified but not yet applied. */
export interface Candidate {
  readonly revision: number;
  readonly etag: string;
  readonly source: ConfigSource;
  readonly layers: readonly LayerVersion[];
  readonly documents: Documents;
  /** What the server says of the secrets in it; absent when it has none. */
  readonly notes?: SecretsNote;
}

/** One applied snapshot: immutable, deep-frozen. Reading, watching and pinning all go by references to it. */
export class AppliedSnapshot {
  /** Whether `runPinned` ever began on it, so that asynchronous work may still be looking at it. */
  pinned = false;

  constructor(
    readonly revision: number,
    readonly etag: string,
    readonly source: ConfigSource,
    readonly layers: readonly LayerVersion[],
    /** As received; deltas are applied to these. */
    readonly documents: Documents,
    /** Name of the main document. */
    readonly mainName: string,
    /** The main document as the service sees it: validated, restart-only keys held. */
    readonly main: unknown,
    /** Of the secrets in it, for keeping it. */
    readonly notes: SecretsNote | undefined,
    /** Values by the path they were asked for with; filled as they are. */
    readonly paths = new Map<string, unknown>(),
  ) {}

  /** The same content under the revision at which the server confirmed it. */
  confirmedAs(revision: number, layers: readonly LayerVersion[]): AppliedSnapshot {
    return new AppliedSnapshot(revision, this.etag, 'server', layers, this.documents, this.mainName, this.main, this.notes, this.paths);
  }

  /** The value at a path of the main document. */
  read(path: string): unknown {
    const found = this.paths.get(path);
    if (found !== undefined) return found;
    const value = readPath(this.main, parsePath(path));
    if (value !== undefined && this.paths.size < REMEMBERED_PATHS) this.paths.set(path, value);
    return value;
  }

  /** The whole of a document; undefined when there is none of this name. */
  document(name: string): unknown {
    return name === this.mainName ? this.main : documentValue(this.documents, name);
  }
}

/** What a document holds: the value of a structured one, the text of any other. */
export function documentValue(documents: Documents, name: string): unknown {
  const content = Object.hasOwn(documents, name) ? documents[name] : undefined;
  if (content === undefined || content === null) return undefined;
  return content.format === 'text' ? content.text : content.value;
}
