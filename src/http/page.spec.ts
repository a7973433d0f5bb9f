import fc from 'fast-check';
import { decodeCursor, encodeCursor, pageOf } from './page';

describe('given a cursor', () => {
  it('comes back as the key it was made of', () => {
    fc.assert(
      fc.property(fc.string().filter((text) => !text.includes('\0')), fc.maxSafeInteger(), (text, number) => {
        expect(decodeCursor(encodeCursor([text, number]), 'string', 'number')).toEqual([text, number]);
      }),
    );
  });

  it.each(['', 'x', '!', 'bnVsbA', encodeCursor([]), encodeCursor([1]), encodeCursor(['a', 1]), encodeCursor(['a\0']), 'e30', '__proto__'])(
    'refuses %j where a text is expected',
    (cursor) => {
      expect(() => decodeCursor(cursor, 'string')).toThrow(expect.objectContaining({ code: 'malformed_request', pointer: '/cursor' }));
    },
  );

  it('refuses whatever someone makes up, and never fails otherwise', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        try {
          decodeCursor(text, 'string', 'number');
        } catch (error) {
          expect(error).toMatchObject({ code: 'malformed_request' });
        }
      }),
    );
  });
});

describe('given pages over a list', () => {
  it('show every item once and in order, whatever the size of a page', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat(1000)), fc.integer({ min: 1, max: 20 }), (numbers, limit) => {
        const sorted = numbers.sort((a, b) => a - b);
        const seen: number[] = [];
        for (let cursor: string | undefined, page = 0; page <= sorted.length; page += 1) {
          const [after = -1] = decodeCursor(cursor, 'number') ?? [];
          const rows = sorted.filter((number) => number > after).slice(0, limit + 1);
          const { items, nextCursor } = pageOf(rows, limit, (number) => [number], (number) => number);
          seen.push(...items);
          if (nextCursor === undefined) break;
          cursor = nextCursor;
        }
        expect(seen).toEqual(sorted);
      }),
    );
  });
});
