import type { JsonValue } from '@trimtab/client/protocol';
import type { FeedSnapshot } from './snapshot-source';

const HIDDEN = '[secret]';
const WITHHELD = 'The reason is not kept, because it may show a secret.';
/** What is shorter is part of ordinary words: then the whole text is withheld. */
const SHORTEST_REPLACED = 4;

/**
 * What a client says about a snapshot, without the secrets in it: it is kept, and shown to people. The client library takes
 * them out itself; others may not know that they should.
 */
export function conceal(text: string, { notes, documents }: Pick<FeedSnapshot, 'notes' | 'documents'>): string {
  const unreadable = new Set(notes?.unreadable?.map(({ document, path }) => `${document} ${path}`));
  const secrets = new Set<string>();
  for (const [document, path] of notes?.secrets ?? []) {
    const content = documents[document];
    if (content !== undefined && 'value' in content && !unreadable.has(`${document} ${path}`)) collect(valueAt(content.value, path), secrets);
  }
  let concealed = text;
  // Longest first: one may be a part of another.
  for (const secret of [...secrets].sort((a, b) => b.length - a.length)) {
    if (!concealed.includes(secret)) continue;
    if (secret.length < SHORTEST_REPLACED) return WITHHELD;
    concealed = concealed.replaceAll(secret, HIDDEN);
  }
  return concealed;
}

function valueAt(value: JsonValue, pointer: string): JsonValue | undefined {
  let found: JsonValue | undefined = value;
  for (const token of pointer.split('/').slice(1)) {
    const key = token.replaceAll('~1', '/').replaceAll('~0', '~');
    found = typeof found === 'object' && found !== null && Object.hasOwn(found, key) ? (found as Readonly<Record<string, JsonValue>>)[key] : undefined;
  }
  return found;
}

function collect(value: JsonValue | undefined, into: Set<string>): void {
  if (typeof value === 'object' && value !== null) return Object.values(value).forEach((member) => collect(member as JsonValue, into));
  if (value === undefined || value === null || value === '') return;
  const text = String(value);
  for (const spelling of [text, JSON.stringify(text).slice(1, -1), encodeURIComponent(text), Buffer.from(text).toString('base64')]) into.add(spelling);
}
