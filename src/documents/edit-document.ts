import type { JsonValue } from '@trimtab/client/protocol';
import { applyJsonPatch, mergeAt, type JsonPatchInput } from './apply-patch';
import { DEFAULT_DOCUMENT_LIMITS, type DocumentLimits, type Path } from './document-type';
import type { ParsedDocument } from './parse-document';
import { serializeValue } from './serialize-document';

export type { JsonPatchInput };

export type DocumentPatch =
  | { readonly kind: 'merge'; readonly path: Path; readonly value: JsonValue }
  | { readonly kind: 'json-patch'; readonly operations: readonly JsonPatchInput[] };

export function editDocument(document: ParsedDocument, patch: DocumentPatch, _limits: DocumentLimits = DEFAULT_DOCUMENT_LIMITS): string {
  const expected = patch.kind === 'merge' ? mergeAt(document.value, patch.path, patch.value) : applyJsonPatch(document.value, patch.operations);
  return serializeValue(expected, document.type.format);
}
