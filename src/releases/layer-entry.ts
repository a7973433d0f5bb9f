import { createHash } from 'node:crypto';
import type { DocumentType } from '../documents/document-type';
import type { Revision } from '../kernel/revision';

/**
 * What a layer holds under a name: a document, the JSON Schema attached to a document name, or its list of includes.
 * All three are sources with a hash, so that versions, conflicts, history and rollback treat them alike.
 */
export type EntryKind = 'document' | 'schema' | 'includes';

/** One row of a release's manifest. */
export interface LayerEntry {
  readonly kind: EntryKind;
  /** The document's name; for a schema the name of the document it is attached to; `includes` for the includes. */
  readonly name: string;
  readonly type: DocumentType;
  /** SHA-256 of the source, in hex. */
  readonly hash: string;
}

/** A service whose configuration this one builds on; with a revision, read as of it. */
export interface Include {
  readonly service: string;
  readonly revision?: Revision;
}

export const INCLUDES_NAME = 'includes';
export const JSON_SOURCE: DocumentType = { format: 'json', keys: 'literal' };

export function entryKey({ kind, name }: { kind: EntryKind; name: string }): string {
  return `${kind}/${name}`;
}

export function sameEntry(a: LayerEntry | undefined, b: LayerEntry | undefined): boolean {
  if (!a || !b) return a === b;
  return a.hash === b.hash && a.type.format === b.type.format && a.type.keys === b.type.keys;
}

export function hashOf(source: string): string {
  return createHash('sha256').update(source).digest('hex');
}

export function includesSource(includes: readonly Include[]): string {
  return JSON.stringify(includes);
}

export function parseIncludes(source: string): readonly Include[] {
  return JSON.parse(source) as readonly Include[];
}
