import type { JsonValue } from '@trimtab/client/protocol';
import { DomainError } from '../kernel/domain-error';
import type { JsonPatchInput } from './apply-patch';
import { DEFAULT_DOCUMENT_LIMITS, type DocumentLimits, type Path } from './document-type';
import { sameValue } from './json-object';
import type { Located } from './located';
import { parseDocument, type ParsedDocument } from './parse-document';
import { patchedValue } from './patched-value';
import { pageOf, type Page } from './pen';
import { penFor } from './pens';
import { CannotPlace, SourceRewriter, type RewriteOptions } from './source-rewriter';
import { BYTE_ORDER_MARK } from './source-text';
import { applySplices, type Splice } from './splice';
import type { Spot } from './syntax-tree';

export type { JsonPatchInput };

export type DocumentPatch =
  | { readonly kind: 'merge'; readonly path: Path; readonly value: JsonValue }
  | { readonly kind: 'json-patch'; readonly operations: readonly JsonPatchInput[] };

/** From the smallest change to ever larger ones; each result is read again and taken only if its value is right. */
const ATTEMPTS: readonly Omit<RewriteOptions, 'dotted'>[] = [
  { depth: Infinity, sections: true },
  { depth: Infinity, sections: false },
  { depth: 3, sections: false },
  { depth: 2, sections: false },
  { depth: 1, sections: false },
];

/**
 * The source after a patch. Its value is exactly the patched value, and everything the patch does not touch is byte
 * for byte as it was: comments, order, quoting, indentation, line ends.
 */
export function editDocument(document: ParsedDocument, patch: DocumentPatch, limits: DocumentLimits = DEFAULT_DOCUMENT_LIMITS): string {
  const { type, source } = document;
  if (type.format === 'text') {
    throw new DomainError('patch_failed', 'A text document has no keys to patch. Send its whole text instead.');
  }
  const expected = patchedValue(document, patch, limits);
  if (sameValue(document.value, expected)) return source;
  const mark = source.startsWith(BYTE_ORDER_MARK) ? BYTE_ORDER_MARK : '';
  const page = pageOf(source.slice(mark.length));
  const { located } = document.locate();
  let refusal: unknown;
  for (const attempt of ATTEMPTS) {
    try {
      const text = rewrite(page, document, located, expected, attempt);
      if (text === undefined) continue;
      const edited = mark + text;
      if (sameValue(parseDocument(edited, type, limits).value, expected)) return edited;
    } catch (error) {
      if (!(error instanceof CannotPlace || error instanceof DomainError)) throw error;
      refusal = error;
    }
  }
  if (refusal instanceof DomainError && refusal.code !== 'document_syntax' && refusal.code !== 'duplicate_key') throw refusal;
  throw new DomainError('patch_failed', 'The change cannot be made inside this source without rewriting it. Send the whole document instead.', { cause: refusal });
}

function rewrite(page: Page, { type }: ParsedDocument, located: Located, expected: JsonValue, attempt: Omit<RewriteOptions, 'dotted'>): string | undefined {
  const format = type.format as Exclude<typeof type.format, 'text'>;
  const options = { ...attempt, dotted: type.keys === 'dotted' || format === 'properties' };
  const pen = penFor(format, page);
  const expand = new Set<Spot>();
  const closed = new Set<Located>();
  for (;;) {
    let splices: Splice[];
    try {
      splices = new SourceRewriter(page, pen, options, expand, closed).plan(located, expected);
    } catch (error) {
      if (!(error instanceof CannotPlace) || error.inside.length === 0) throw error;
      for (const node of error.inside) closed.add(node);
      continue;
    }
    const changed = format === 'yaml' ? changedAnchors(located, splices).filter((spot) => !expand.has(spot)) : [];
    if (changed.length === 0) return applySplices(page.text, splices);
    for (const spot of changed) expand.add(spot);
  }
}

/** The anchored values that the splices reach into: an alias to one of them would change with it. */
function changedAnchors(node: Located, splices: readonly Splice[]): Spot[] {
  if (node.kind === 'scalar') {
    const { aliasOf } = node;
    return aliasOf !== undefined && splices.some(({ start, end }) => start <= aliasOf.valueEnd && end >= aliasOf.start) ? [aliasOf] : [];
  }
  const children = node.kind === 'list' ? node.items : [...node.members.values()];
  return children.flatMap((child) => changedAnchors(child, splices));
}
