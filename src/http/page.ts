import type { Type } from '@nestjs/common';
import { ApiExtraModels, ApiOkResponse, getSchemaPath } from '@nestjs/swagger';
import { DomainError } from '../kernel/domain-error';
import { Text, WholeNumber } from './shape';

export const DEFAULT_PAGE_SIZE = 50;
export const MAX_PAGE_SIZE = 200;

/** Query of every list. Extend it with the filters of your own. */
export class PageQuery {
  @Text({ optional: true, max: 1024, description: 'The `nextCursor` of the page before. Opaque.' })
  cursor?: string;

  @WholeNumber({ min: 1, max: MAX_PAGE_SIZE, default: DEFAULT_PAGE_SIZE, description: 'Most items to return.' })
  limit: number = DEFAULT_PAGE_SIZE;
}

export interface Page<T> {
  readonly items: readonly T[];
  /** Absent on the last page. */
  readonly nextCursor?: string;
}

/** A sort key: the values of the last item seen, in the order of the list's ORDER BY. */
export type SortKey = readonly (string | number)[];

/**
 * Makes a page of `limit` items out of up to `limit + 1` rows: the one too many only says that there is more.
 * Keys, not offsets, so that nothing is skipped or repeated when rows come in between.
 */
export function pageOf<Row, Item>(rows: readonly Row[], limit: number, keyOf: (row: Row) => SortKey, view: (row: Row) => Item): Page<Item> {
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  const items = shown.map(view);
  return rows.length > limit && last !== undefined ? { items, nextCursor: encodeCursor(keyOf(last)) } : { items };
}

export function encodeCursor(key: SortKey): string {
  return Buffer.from(JSON.stringify(key)).toString('base64url');
}

/** The sort key in a cursor, or undefined without one. `shape` names the type of each part. */
export function decodeCursor<Shape extends readonly ('string' | 'number')[]>(
  cursor: string | undefined,
  ...shape: Shape
): { [Index in keyof Shape]: Shape[Index] extends 'number' ? number : string } | undefined {
  if (cursor === undefined) return undefined;
  const key = readCursor(cursor);
  const fits = Array.isArray(key) && key.length === shape.length && shape.every((type, index) => isPart(key[index], type));
  if (!fits) throw new DomainError('malformed_request', 'The cursor is not one of this list. Start again without it.', { pointer: '/cursor' });
  return key as never;
}

function isPart(part: unknown, type: 'string' | 'number'): boolean {
  return type === 'number' ? Number.isSafeInteger(part) : typeof part === 'string' && !part.includes('\0');
}

function readCursor(cursor: string): unknown {
  if (!/^[A-Za-z0-9_-]+$/.test(cursor)) return undefined;
  try {
    return JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8')) as unknown;
  } catch {
    return undefined;
  }
}

/** Documents a route that answers with a {@link Page} of `item`, and with what else the page has to say. */
export function ApiPage(item: Type, more: Readonly<Record<string, { type: string; description: string }>> = {}): MethodDecorator {
  const response = ApiOkResponse({
    schema: {
      type: 'object',
      required: ['items', ...Object.keys(more)],
      properties: {
        items: { type: 'array', items: { $ref: getSchemaPath(item) } },
        nextCursor: { type: 'string', description: 'Cursor of the next page; absent on the last.' },
        ...more,
      },
    },
  });
  return (target, key, descriptor) => {
    ApiExtraModels(item)(target, key, descriptor);
    response(target, key, descriptor);
  };
}
