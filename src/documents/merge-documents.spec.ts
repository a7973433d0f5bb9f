import type { JsonValue } from '@trimtab/client/protocol';
import fc from 'fast-check';
import { sameValue } from './json-object';
import { mergeAll, mergeValues, originsOf } from './merge-documents';
import { parseDocument } from './parse-document';
import { formatPointer, parsePointer } from './pointer';
import { valueAt } from './apply-patch';
import { expectCleanPrototype, HOSTILE_KEYS } from './testing/hostile-keys';

const key = fc.constantFrom('a', 'b', 'c', ...HOSTILE_KEYS);
const { tree } = fc.letrec<{ tree: JsonValue }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom<JsonValue>(null, true, 1, 'x', 'y', [], [1, null]),
    fc.array(fc.tuple(key, tie('tree')), { maxLength: 4 }).map((entries) => Object.fromEntries(entries) as JsonValue),
  ),
}));
const map = fc.array(fc.tuple(key, tree), { maxLength: 4 }).map((entries) => Object.fromEntries(entries) as JsonValue);

describe('given the examples of RFC 7396, appendix A', () => {
  it.each([
    [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
    [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
    [{ a: 'b' }, { a: null }, {}],
    [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
    [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
    [{ a: 'c' }, { a: ['b'] }, { a: ['b'] }],
    [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
    [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
    [['a', 'b'], ['c', 'd'], ['c', 'd']],
    [{ a: 'b' }, ['c'], ['c']],
    [{ a: 'foo' }, null, null],
    [{ a: 'foo' }, 'bar', 'bar'],
    [{ e: null }, { a: 1 }, { e: null, a: 1 }],
    [[1, 2], { a: 'b', c: null }, { a: 'b' }],
    [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
  ] as [JsonValue, JsonValue, JsonValue][])('merges %j with %j to %j', (weaker, stronger, merged) => {
    expect(mergeValues(weaker, stronger)).toEqual(merged);
  });
});

describe('given any values', () => {
  it('leaves a map as it is when nothing is merged into it', () => {
    fc.assert(fc.property(map, (value) => expect(mergeValues(value, {})).toEqual(value)));
  });

  it('changes nothing when the same is merged again', () => {
    fc.assert(fc.property(tree, tree, (weaker, stronger) => {
      const once = mergeValues(weaker, stronger);
      expect(mergeValues(once, stronger)).toEqual(once);
    }));
  });

  it('layers from the weakest to the strongest, so that a prefix can be merged beforehand', () => {
    fc.assert(fc.property(fc.array(tree, { minLength: 2, maxLength: 5 }), (layers) => {
      expect(mergeAll(layers)).toEqual(layers.slice(1).reduce((merged, layer) => mergeValues(merged, layer), mergeValues(null, layers[0] as JsonValue)));
    }));
  });

  it('leaves no null of any layer in a merged map, only inside lists', () => {
    const hasNull = (value: JsonValue): boolean => value === null || (typeof value === 'object' && !Array.isArray(value) && Object.values(value).some(hasNull));
    fc.assert(fc.property(map, map, (weaker, stronger) => expect(hasNull(mergeAll([weaker, stronger]))).toBe(false)));
    expect(mergeAll([{ a: null }])).toEqual({ a: null });
  });

  it('changes neither of them, nor any prototype', () => {
    fc.assert(fc.property(tree, tree, (weaker, stronger) => {
      const before = JSON.stringify([weaker, stronger]);
      mergeValues(weaker, stronger);
      expect(JSON.stringify([weaker, stronger])).toBe(before);
    }));
    expectCleanPrototype();
  });
});

describe('given several documents of one name', () => {
  const parts = (...sources: string[]) => sources.map((source) => parseDocument(source, { format: 'yaml', keys: 'literal' }));

  it('tells for each leaf which part and line it comes from, and what it overrides', () => {
    expect(originsOf(parts('a: 1\nb:\n  c: 1\n  d: 1\n', 'b:\n  c: 2\n', 'e: 1\nb:\n  c: 3\n'))).toEqual([
      { path: '/a', part: 0, line: 1, overrides: [] },
      { path: '/b/c', part: 2, line: 3, overrides: [1, 0] },
      { path: '/b/d', part: 0, line: 4, overrides: [] },
      { path: '/e', part: 2, line: 1, overrides: [] },
    ]);
  });

  it('does not name a part whose object was replaced in between', () => {
    expect(originsOf(parts('a:\n  b: 1\n', 'a: 5\n', 'a:\n  b: 2\n'))).toEqual([{ path: '/a/b', part: 2, line: 2, overrides: [] }]);
    expect(originsOf(parts('a:\n  b: 1\n  c: 1\n', 'a: null\n', 'a:\n  b: 2\n'))).toEqual([{ path: '/a/b', part: 2, line: 2, overrides: [] }]);
  });

  it('explains every leaf by the value its part really sets', () => {
    fc.assert(fc.property(fc.array(map, { minLength: 1, maxLength: 4 }), (values) => {
      const documents = values.map((value) => parseDocument(JSON.stringify(value), { format: 'json', keys: 'literal' }));
      const merged = mergeAll(values);
      for (const origin of originsOf(documents)) {
        const path = parsePointer(origin.path);
        const leaf = valueAt(merged, path) as JsonValue;
        const set = valueAt(values[origin.part] as JsonValue, path) as JsonValue;
        expect(formatPointer(path)).toBe(origin.path);
        expect(sameValue(mergeValues(null, set), leaf) || sameValue(set, leaf)).toBe(true);
        expect(origin.line).toBe(1);
      }
    }));
  });
});
