import { documentValue } from './applied-snapshot.js';
import type { Documents, SecretsNote, ValuePlace } from './protocol.js';
import { readPath } from './read-path.js';

const HIDDEN = '[secret]';
const WITHHELD = 'the reason is not shown, because it may show a secret';
// What is shorter is part of ordinary words: then the whole text is withheld.
const SHORTEST_REPLACED = 4;

/** The secrets of a snapshot, for keeping them out of what is said about it. */
export interface Secrets {
  /** Whether something at this path of the main document is a secret, or has one in it. */
  touches(path: readonly string[]): boolean;
  /** The text without the secrets, in any of the spellings they are often met in. */
  redact(text: string): string;
}

/** Of a snapshot that has none. */
export const NO_SECRETS: Secrets = { touches: () => false, redact: (text) => text };

/** What the server says is secret in these documents. */
export function secretsOf(documents: Documents, notes: SecretsNote | undefined, mainName: string): Secrets {
  const places = notes?.secrets ?? [];
  if (places.length === 0) return NO_SECRETS;
  const main = places.filter(([document]) => document === mainName).map(([, pointer]) => segmentsOf(pointer));
  return {
    // An issue of a whole may quote any of its parts.
    touches: (path) => main.some((secret) => secret.every((segment, index) => index >= path.length || path[index] === segment)),
    redact: (text) => redacted(text, textsIn(documents, places)),
  };
}

/** Several snapshots may be in play: what is said about one may quote another. */
export function redactAll(text: string, all: readonly Secrets[]): string {
  return all.reduce((redactedText, secrets) => secrets.redact(redactedText), text);
}

function redacted(text: string, secrets: ReadonlySet<string>): string {
  let result = text;
  // Longest first: one may be a part of another.
  for (const secret of [...secrets].sort((a, b) => b.length - a.length)) {
    if (!result.includes(secret)) continue;
    if (secret.length < SHORTEST_REPLACED) return WITHHELD;
    result = result.replaceAll(secret, HIDDEN);
  }
  return result;
}

function textsIn(documents: Documents, places: readonly ValuePlace[]): ReadonlySet<string> {
  const texts = new Set<string>();
  for (const [document, pointer] of places) collect(readPath(documentValue(documents, document), segmentsOf(pointer)), texts);
  return texts;
}

function collect(value: unknown, into: Set<string>): void {
  if (typeof value === 'object' && value !== null) return Object.values(value).forEach((member) => collect(member, into));
  if (value === undefined || value === null || value === '') return;
  const text = String(value);
  const bytes = Buffer.from(text);
  for (const spelling of [text, JSON.stringify(text).slice(1, -1), encodeURIComponent(text), bytes.toString('base64'), bytes.toString('base64url'), bytes.toString('hex')]) into.add(spelling);
}

// RFC 6901.
function segmentsOf(pointer: string): string[] {
  return pointer.split('/').slice(1).map((segment) => segment.replaceAll('~1', '/').replaceAll('~0', '~'));
}
