import type { JsonValue } from '@trimtab/client/protocol';
import { setMember } from './json-object';

/**
 * What a reader makes of a source: the values, and where each is written. Offsets are into the text without its byte
 * order mark. A key that separates levels itself (`a.b.c = 1`) is one entry with a path of several segments.
 */
export type SyntaxNode = SyntaxScalar | SyntaxList | SyntaxMap;

export interface SyntaxScalar {
  readonly kind: 'scalar';
  /** An object or array only where the source refers to it by an alias. */
  readonly value: JsonValue;
  /** YAML: where the anchored value is written that this one refers to. */
  readonly aliasOf?: Spot;
}

export interface SyntaxList {
  readonly kind: 'list';
  readonly items: readonly SyntaxEntry[];
}

export interface SyntaxMap {
  readonly kind: 'map';
  readonly entries: readonly SyntaxEntry[];
}

export interface SyntaxEntry {
  /** Empty for an item of a list. */
  readonly path: readonly string[];
  readonly spot: Spot;
  readonly node: SyntaxNode;
}

/** One place where a value is written. */
export interface Spot {
  /** From the key (or the item) to the end of the value. */
  readonly start: number;
  readonly end: number;
  readonly valueStart: number;
  readonly valueEnd: number;
  /** Right after the `:`, `=` or `-` (and an anchor), where a value belongs that is not written at all. */
  readonly head: number;
  readonly block: Block | undefined;
  /** What holds the members or items, when the value is a map or a list. */
  readonly body?: Block;
  /** TOML: a `[table]` with everything below its header. */
  readonly section?: boolean;
  /** YAML: the value comes from a merge key, and this is the spot of that `<<`. */
  readonly inherited?: Spot;
}

/** A run of text that holds entries: between brackets and separated by commas, or one below the other. */
export interface Block {
  readonly layout: 'delimited' | 'lines';
  readonly holds: 'members' | 'items';
  /** Delimited: after the opening bracket, and at the closing one. Lines: where the first entry may stand, and the end. */
  readonly start: number;
  readonly end: number;
  /** In the order of the source. */
  readonly spots: Spot[];
  /** Lines: the white space before an entry. */
  readonly indent: string;
}

/** The value alone, of a source whose keys have one level each. */
export function syntaxValue(node: SyntaxNode): JsonValue {
  if (node.kind === 'scalar') return node.value;
  if (node.kind === 'list') return node.items.map((item) => syntaxValue(item.node));
  const value: { [key: string]: JsonValue } = {};
  for (const entry of node.entries) setMember(value, entry.path[0] as string, syntaxValue(entry.node));
  return value;
}
