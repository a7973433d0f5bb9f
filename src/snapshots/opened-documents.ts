import type { DocumentContent, Documents, JsonValue } from '@trimtab/client/protocol';
import { KEY_STYLES } from '../documents/document-type';
import { editDocument } from '../documents/edit-document';
import { sameValue } from '../documents/json-object';
import { parseDocument } from '../documents/parse-document';
import { parsePointer } from '../documents/pointer';
import { DomainError } from '../kernel/domain-error';
import { replaced, type Replacement } from '../secrets/sealed-leaves';
import type { SealedPlace } from '../secrets/sealed-places';

/** A sealed value in clear text, and where it stands. */
export interface OpenedValue extends SealedPlace {
  readonly value: JsonValue;
}

/** Each is put into the source by itself. */
const MAX_PLACED = 500;
const UNLIMITED = { maxBytes: Infinity, maxDepth: Infinity, maxAliasExpansion: Infinity };

/** The documents with the values in the places of their sealed texts. */
export function openedDocuments(documents: Documents, values: readonly OpenedValue[]): Documents {
  const byDocument = new Map<string, Replacement[]>();
  for (const { document, path, value } of values) {
    const replacements = byDocument.get(document) ?? [];
    replacements.push({ path: parsePointer(path), value });
    byDocument.set(document, replacements);
  }
  const opened = Object.entries(documents).map(([name, content]) => {
    const replacements = byDocument.get(name);
    return [name, replacements === undefined || !('value' in content) ? content : { ...content, value: replaced(content.value, replacements) }] as const;
  });
  return Object.fromEntries(opened);
}

/**
 * A document as it was written, with the values in it. Undefined when they cannot be put there without rewriting the
 * rest, or are so many that this would take long: it is written from its value then.
 */
export function openedSource(source: string, content: DocumentContent, values: readonly OpenedValue[]): string | undefined {
  if (values.length === 0) return source;
  if (values.length > MAX_PLACED) return undefined;
  const operations = values.map(({ path, value }) => ({ op: 'replace', path, value }) as const);
  for (const keys of KEY_STYLES) {
    try {
      const document = parseDocument(source, { format: content.format, keys }, UNLIMITED);
      // How its keys are to be read is not part of a snapshot: the way in which it has its value is the one.
      if ('value' in content && sameValue(document.value, content.value)) return editDocument(document, { kind: 'json-patch', operations }, UNLIMITED);
    } catch (error) {
      if (!(error instanceof DomainError)) throw error;
    }
  }
  return undefined;
}
