// The default import, because `crypto.hash` is missing before Node.js 20.12 and a named import would not link there.
import crypto from 'node:crypto';

/** Any value JSON can express. */
export type JsonValue =
  | null
  | boolean
  | number
  | string
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue };

// Everything JSON.stringify would escape: quotes, backslashes, control characters and surrogates.
const NEEDS_ESCAPE = /["\\\u0000-\u001f\ud800-\udfff]/;

/**
 * The JSON Canonicalization Scheme (RFC 8785): members sorted by UTF-16 code units, no white space, numbers and
 * strings as ECMAScript writes them. Equal values have equal text, whatever order their keys were written in.
 *
 * @example
 * canonicalJson({ b: 1, a: [true, 'x'] }); // {"a":[true,"x"],"b":1}
 *
 * @throws RangeError when the value is nested so deeply that the stack overflows (some thousand levels).
 */
export function canonicalJson(value: JsonValue): string {
  if (typeof value === 'string') return quote(value);
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  return Array.isArray(value) ? canonicalArray(value) : canonicalObject(value as { readonly [key: string]: JsonValue });
}

function canonicalArray(array: readonly JsonValue[]): string {
  if (array.length === 0) return '[]';
  let text = '[';
  for (let index = 0; index < array.length; index++) {
    if (index > 0) text += ',';
    text += canonicalJson(array[index] as JsonValue);
  }
  return `${text}]`;
}

function canonicalObject(object: { readonly [key: string]: JsonValue }): string {
  const keys = Object.keys(object);
  // Checking is cheaper than sorting, and the keys that a server sent are often in order.
  for (let index = 1; index < keys.length; index++) {
    if ((keys[index - 1] as string) > (keys[index] as string)) {
      keys.sort();
      break;
    }
  }
  let text = '{';
  for (let index = 0; index < keys.length; index++) {
    const key = keys[index] as string;
    if (index > 0) text += ',';
    text += `${quote(key)}:${canonicalJson(object[key] as JsonValue)}`;
  }
  return `${text}}`;
}

function quote(text: string): string {
  return NEEDS_ESCAPE.test(text) ? JSON.stringify(text) : `"${text}"`;
}

const sha256: (text: string) => string =
  typeof crypto.hash === 'function'
    ? (text) => crypto.hash('sha256', text, 'base64url')
    : (text) => crypto.createHash('sha256').update(text).digest('base64url');

/**
 * The strong ETag (RFC 9110 section 8.8.3, quotes included) of a snapshot's documents: the SHA-256 of their
 * {@link canonicalJson}. With a salt, for documents that hold secrets, of `[salt, documents]`: whoever sees the ETag and
 * not the salt cannot try values until one fits.
 *
 * @example
 * etagOf({ application: { format: 'json', value: { a: 1 } } }); // "\"Qx1…\""
 */
export function etagOf(documents: JsonValue, salt?: string): string {
  return `"${sha256(canonicalJson(salt === undefined ? documents : [salt, documents]))}"`;
}
