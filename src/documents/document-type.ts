export const FORMATS = ['json', 'yaml', 'toml', 'properties', 'text'] as const;
export type Format = (typeof FORMATS)[number];

/** `dotted`: a dot in a key separates two levels. Always so for properties, which have no other way to nest. */
export const KEY_STYLES = ['literal', 'dotted'] as const;
export type KeyStyle = (typeof KEY_STYLES)[number];

export interface DocumentType {
  readonly format: Format;
  readonly keys: KeyStyle;
}

export interface DocumentLimits {
  readonly maxBytes: number;
  readonly maxDepth: number;
  /** How many times its source a YAML document may grow to by its aliases. */
  readonly maxAliasExpansion: number;
}

export const DEFAULT_DOCUMENT_LIMITS: DocumentLimits = Object.freeze({
  maxBytes: 1024 * 1024,
  maxDepth: 64,
  maxAliasExpansion: 100,
});

/** From the root of a document to a value; array indices are decimal strings. */
export type Path = readonly string[];
