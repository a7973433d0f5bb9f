import { createHash } from 'node:crypto';
import { DomainError } from '../kernel/domain-error';

/** An entity tag as it stands in a header, quotes included. */
export type EntityTag = string;

/** The tag of a resource that has no version of its own: a hash over how it is shown. */
export function entityTagOf(view: unknown): EntityTag {
  return entityTag(createHash('sha256').update(JSON.stringify(view)).digest('base64url').slice(0, 22));
}

type TagList = '*' | readonly { readonly weak: boolean; readonly tag: EntityTag }[];

/** `"…"` around an opaque tag that holds no quotes. */
export function entityTag(opaque: string | number): EntityTag {
  return `"${opaque}"`;
}

/**
 * Holds `If-Match` against the resource's present state (RFC 9110 section 13.1.1, strong comparison). A request without
 * the header asks for nothing. `current` is undefined when there is no resource: `*` then fails as well.
 */
export function requireMatch(ifMatch: string | undefined, current: EntityTag | undefined): void {
  if (ifMatch === undefined) return;
  const wanted = parseTagList(ifMatch, 'If-Match');
  const matches = current !== undefined && (wanted === '*' || wanted.some(({ weak, tag }) => !weak && tag === current));
  if (matches) return;
  throw new DomainError('precondition_failed', 'The resource has changed since you read it. Read it again, decide again, and send its new ETag.', {
    extra: current === undefined ? {} : { etag: current },
  });
}

/** True when `If-None-Match` names the resource as it is: answer 304 to a read (weak comparison). */
export function notModified(ifNoneMatch: string | undefined, current: EntityTag): boolean {
  if (ifNoneMatch === undefined) return false;
  const known = parseTagList(ifNoneMatch, 'If-None-Match');
  return known === '*' || known.some(({ tag }) => tag === current.replace(/^W\//, ''));
}

function parseTagList(header: string, name: string): TagList {
  if (header.trim() === '*') return '*';
  const tags: { weak: boolean; tag: EntityTag }[] = [];
  // RFC 9110 section 5.6.1: empty elements of a list are to be ignored. A tag may hold commas, so splitting is no way.
  const element = /[ \t]*(?:(W\/)?("[\x21\x23-\x7e\x80-\xff]*")[ \t]*)?(?:,|$)/y;
  while (element.lastIndex < header.length) {
    const found = element.exec(header);
    if (found === null) throw new DomainError('malformed_request', `${name} must be * or a list of entity tags in double quotes.`);
    if (found[2] !== undefined) tags.push({ weak: found[1] !== undefined, tag: found[2] });
  }
  if (tags.length === 0) throw new DomainError('malformed_request', `${name} is empty. Send * or an entity tag in double quotes.`);
  return tags;
}
