import type { JsonValue } from './canonical-json.js';

/** The operations of RFC 6902 that a delta uses; `path` is an RFC 6901 pointer. */
export type JsonPatchOperation =
  | { readonly op: 'add'; readonly path: string; readonly value: JsonValue }
  | { readonly op: 'replace'; readonly path: string; readonly value: JsonValue }
  | { readonly op: 'remove'; readonly path: string };
