import { DomainError } from '../kernel/domain-error';
import type { Path } from './document-type';

/** RFC 6901: `''` is the whole document, `/a~1b/0` the first item below the key `a/b`. */
export function parsePointer(pointer: string): string[] {
  if (pointer === '') return [];
  if (!pointer.startsWith('/') || /~(?![01])/.test(pointer)) {
    throw new DomainError('malformed_request', `'${pointer}' is not a JSON Pointer (RFC 6901): write it as '/db/pool', with '~1' for '/' and '~0' for '~'.`);
  }
  return pointer.slice(1).split('/').map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'));
}

export function formatPointer(path: Path): string {
  return path.map((token) => `/${token.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}

/** A pointer, or its convenient spelling `db.pool.max` where no key holds a dot. */
export function parsePath(text: string): string[] {
  if (text === '' || text.startsWith('/')) return parsePointer(text);
  return text.split('.');
}

const INDEX = /^(?:0|[1-9][0-9]{0,15})$/;

/** An array index as RFC 6901 writes it: no sign, no leading zero. */
export function arrayIndex(token: string): number | undefined {
  return INDEX.test(token) ? Number(token) : undefined;
}
