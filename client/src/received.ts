import { etagOf } from './canonical-json.js';
import { messageOf } from './errors.js';
import { applyPatch } from './json-patch.js';
import type { DeltaMessage, Documents, SecretsNote, SnapshotMessage } from './protocol.js';
import type { AppliedSnapshot, Candidate } from './applied-snapshot.js';

/**
 * What a message turned out to be:
 * - `candidate`: verified and newer than all before; to be applied.
 * - `known`: its content is in use already; only the position moves.
 * - `old`: something newer has been received.
 * - `mismatch`: a delta that does not lead to its ETag; the whole snapshot is needed.
 * - `invalid`: a snapshot whose content is not what its ETag says.
 */
export type Verdict =
  | { readonly kind: 'candidate'; readonly candidate: Candidate }
  | { readonly kind: 'known' | 'old' }
  | { readonly kind: 'mismatch' | 'invalid'; readonly reason: string };

/**
 * The newest content received, whether or not it could be applied: deltas build on it, because the server sends them
 * against what it sent before and does not wait for the outcome.
 */
export class Received {
  #head: Candidate | undefined;

  /** The newest content received. */
  get head(): Candidate | undefined {
    return this.#head;
  }

  /** Content that did not come over the feed: the copy on disk. */
  hold(candidate: Candidate): void {
    this.#head = candidate;
  }

  /** Checks a message against what is in use and what was received before. */
  judge(message: SnapshotMessage | DeltaMessage, applied: AppliedSnapshot | undefined): Verdict {
    if (applied !== undefined && message.etag === applied.etag && message.revision >= applied.revision) {
      // What was received in between and not applied (refused, and now rolled back) is history.
      this.#head = applied;
      return { kind: 'known' };
    }
    if (applied !== undefined && this.#isOld(message.revision, applied)) return { kind: 'old' };
    if (this.#head?.etag === message.etag) {
      this.#head = { ...this.#head, revision: message.revision, source: 'server', layers: message.layers, ...notesOf(message) };
      return { kind: 'candidate', candidate: this.#head };
    }
    let documents: Documents;
    try {
      documents = message.type === 'snapshot' ? message.documents : this.#patched(message, applied);
      if (etagOf(documents, message.salt) !== message.etag) throw new Error('the content does not have the ETag it was sent with');
    } catch (error) {
      const reason = messageOf(error);
      return { kind: message.type === 'snapshot' ? 'invalid' : 'mismatch', reason };
    }
    const { revision, etag, layers } = message;
    const candidate: Candidate = { revision, etag, source: 'server', layers, documents, ...notesOf(message) };
    this.#head = candidate;
    return { kind: 'candidate', candidate };
  }

  // A revision is applied once: the same one with other content would break that as much as a lower one. Before
  // anything is applied the server is right, whatever an older process left on the disk.
  #isOld(revision: number, applied: AppliedSnapshot): boolean {
    if (revision < applied.revision || (revision === applied.revision && applied.source === 'server')) return true;
    return this.#head !== undefined && revision < this.#head.revision;
  }

  #patched(message: DeltaMessage, applied: AppliedSnapshot | undefined): Documents {
    const base = [this.#head, applied].find((held) => held?.etag === message.from);
    if (base === undefined) throw new Error('it is a delta from content this client does not hold');
    return applyPatch(base.documents, message.patch);
  }
}

function notesOf({ salt, secrets, unreadable }: SecretsNote): { notes?: SecretsNote } {
  if (secrets === undefined) return {};
  return { notes: { secrets, ...(salt === undefined ? {} : { salt }), ...(unreadable === undefined ? {} : { unreadable }) } };
}
