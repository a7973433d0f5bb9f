import type { JsonValue } from '@trimtab/client/protocol';
import { valueAt } from './apply-patch';
import { DEFAULT_DOCUMENT_LIMITS, type DocumentLimits, type DocumentType, type Path } from './document-type';
import { locate, valueOf, type Located } from './located';
import { readJsonValue } from './json-value';
import { arrayIndex } from './pointer';
import { readJson } from './read-json';
import { readProperties } from './read-properties';
import { readToml } from './read-toml';
import { readYaml } from './read-yaml';
import { assertSize, errorAt, LineMap, withoutMark } from './source-text';
import { syntaxValue, type SyntaxEntry } from './syntax-tree';
import { readTomlValue } from './toml-value';

export { decodeSource } from './source-text';

/** A source that has been understood. */
export class ParsedDocument {
  private tree: { readonly located: Located; readonly lines: LineMap } | undefined;

  constructor(
    readonly type: DocumentType,
    /** Exactly as it was written, byte order mark included. */
    readonly source: string,
    /** A text document's value is its text. */
    readonly value: JsonValue,
    private readonly limits: DocumentLimits,
  ) {}

  /**
   * The 1-based line of the key at this path. What is not written at a place of its own (behind an alias, or a level
   * that only dotted keys imply) is on the line of what it is part of, or of its first member.
   */
  lineOf(path: Path): number | undefined {
    if (this.type.format === 'text') return path.length === 0 ? 1 : undefined;
    const { located, lines } = this.locate();
    const spot = findSpot(located, path);
    return spot === undefined ? undefined : lines.at(spot.start).line;
  }

  /** Read again when it is first asked for: most documents are only ever looked at for their value. */
  locate(): { readonly located: Located; readonly lines: LineMap } {
    this.tree ??= readTree(this.source, this.type, this.limits);
    return this.tree;
  }
}

/** Throws a {@link DomainError} that names line and column for whatever is wrong with the source. */
export function parseDocument(source: string, type: DocumentType, limits: DocumentLimits = DEFAULT_DOCUMENT_LIMITS): ParsedDocument {
  // A string of that many units has at least as many bytes, so most are not counted twice.
  if (source.length * 3 > limits.maxBytes) assertSize(Buffer.byteLength(source), limits);
  if (type.format === 'text') return new ParsedDocument(type, source, source, limits);
  return new ParsedDocument(type, source, readValue(source, type, limits), limits);
}

/** Without the places of keys where it can: publishing needs only the value. */
function readValue(source: string, type: DocumentType, limits: DocumentLimits): JsonValue {
  const text = withoutMark(source);
  if (type.keys === 'literal') {
    if (type.format === 'json') return readJsonValue(text, limits) ?? syntaxValue(readJson(text, limits).node);
    if (type.format === 'yaml') return guarded(limits, () => syntaxValue(readYaml(text, limits).node));
    const value = type.format === 'toml' ? readTomlValue(text, limits) : undefined;
    if (value !== undefined) return value;
  }
  return valueOf(readTree(source, type, limits).located);
}

function readTree(source: string, { format, keys }: DocumentType, limits: DocumentLimits): { located: Located; lines: LineMap } {
  const text = withoutMark(source);
  let lines: LineMap | undefined;
  const lineMap = () => (lines ??= new LineMap(text));
  return guarded(limits, () => {
    const root = readSyntax(text, format as Exclude<typeof format, 'text'>, limits);
    const located = locate(root, format === 'properties' ? 'dotted' : keys, lineMap, limits.maxDepth);
    return { located, get lines() { return lineMap(); } };
  });
}

/** The readers bound their depth; a library that still runs out of stack has met something deeper than any document. */
function guarded<T>({ maxDepth }: DocumentLimits, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw errorAt('document_too_deep', { line: 1, column: 1 }, `nested deeper than ${maxDepth} levels.`, error);
  }
}

function readSyntax(text: string, format: 'json' | 'yaml' | 'toml' | 'properties', limits: DocumentLimits): SyntaxEntry {
  switch (format) {
    case 'json':
      return readJson(text, limits);
    case 'yaml':
      return readYaml(text, limits);
    case 'toml':
      return readToml(text, limits);
    case 'properties':
      return readProperties(text);
  }
}

function findSpot(root: Located, path: Path): { start: number } | undefined {
  let node = root;
  for (const [depth, key] of path.entries()) {
    if (node.kind === 'scalar') return valueAt(node.value, path.slice(depth)) === undefined ? undefined : node.spots[0];
    const next: Located | undefined = node.kind === 'map' ? node.members.get(key) : node.items[arrayIndex(key) ?? -1];
    if (next === undefined) return undefined;
    node = next;
  }
  return firstSpot(node);
}

function firstSpot(node: Located): { start: number } | undefined {
  if (node.spots.length > 0 || node.kind === 'scalar') return node.spots[0];
  const children = node.kind === 'map' ? node.members.values() : node.items;
  for (const child of children) {
    const spot = firstSpot(child);
    if (spot !== undefined) return spot;
  }
  return undefined;
}
