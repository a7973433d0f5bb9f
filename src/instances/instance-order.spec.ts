import fc from 'fast-check';
import { compareText, smallest } from './instance-order';

it('sorts text as its UTF-8 bytes would be', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (a, b) => {
      expect(Math.sign(compareText(a, b))).toBe(Math.sign(Buffer.compare(Buffer.from(a), Buffer.from(b))));
    }),
  );
});

it('finds the smallest, in order, whatever order they come in', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 30 })), fc.integer({ min: 1, max: 5 }), (items, count) => {
      const sorted = [...items].sort((a, b) => a - b);
      expect(smallest(items, count, (a, b) => a - b)).toEqual(sorted.slice(0, count));
    }),
  );
});
