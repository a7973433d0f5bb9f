import fc from 'fast-check';
import type { JsonValue } from './canonical-json.js';
import { applyPatch, diffToPatch, PatchError, sameJson, type JsonPatchOperation } from './json-patch.js';

const protoKeys = fc.constantFrom('__proto__', 'constructor', 'prototype', 'a', 'b', '~', '/', '~1', '', '0', '-');
const json = fc.letrec<{ value: JsonValue }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.constantFrom<JsonValue>(null, true, false, 0, 1, 2, 'x', 'y', ''),
    fc.array(tie('value'), { maxLength: 5 }),
    fc
      .array(fc.tuple(protoKeys, tie('value')), { maxLength: 5 })
      .map((entries) => Object.fromEntries(entries) as JsonValue),
  ),
})).value;

describe('applyPatch', () => {
  it('adds, replaces and removes members and elements', () => {
    const document = { a: { b: 1 }, list: ['x', 'y'] } as JsonValue;
    const patch: JsonPatchOperation[] = [
      { op: 'add', path: '/a/c', value: 2 },
      { op: 'replace', path: '/a/b', value: null },
      { op: 'add', path: '/list/1', value: 'between' },
      { op: 'add', path: '/list/-', value: 'last' },
      { op: 'remove', path: '/list/0' },
      { op: 'add', path: '/m~1n', value: true },
      { op: 'add', path: '/q~0', value: true },
    ];
    expect(applyPatch(document, patch)).toEqual({ a: { b: null, c: 2 }, list: ['between', 'y', 'last'], 'm/n': true, 'q~': true });
    expect(document).toEqual({ a: { b: 1 }, list: ['x', 'y'] });
  });

  it('keeps the identity of every subtree it does not touch', () => {
    const document = { touched: { deep: { a: 1 }, sibling: {} }, other: { list: [{}] } };
    const result = applyPatch<JsonValue>(document, [{ op: 'replace', path: '/touched/deep/a', value: 2 }]) as typeof document;
    expect(result.other).toBe(document.other);
    expect(result.touched.sibling).toBe(document.touched.sibling);
    expect(result.touched).not.toBe(document.touched);
  });

  it('never changes a frozen input, nor a value of an earlier operation', () => {
    const value = Object.freeze({ inner: Object.freeze({}) }) as unknown as JsonValue;
    const result = applyPatch<JsonValue>(Object.freeze({}), [
      { op: 'add', path: '/x', value },
      { op: 'add', path: '/x/inner/y', value: 1 },
    ]);
    expect(result).toEqual({ x: { inner: { y: 1 } } });
    expect(value).toEqual({ inner: {} });
  });

  it('replaces the whole value with the empty pointer', () => {
    expect(applyPatch<JsonValue>({ a: 1 }, [{ op: 'replace', path: '', value: [1] }])).toEqual([1]);
  });

  it('treats __proto__ as data', () => {
    const result = applyPatch<JsonValue>({}, [
      { op: 'add', path: '/__proto__', value: { polluted: true } },
      { op: 'add', path: '/__proto__/more', value: 1 },
    ]);
    expect(Object.getPrototypeOf(result)).toBe(Object.prototype);
    expect(JSON.stringify(result)).toBe('{"__proto__":{"polluted":true,"more":1}}');
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });

  it.each<[string, JsonValue, JsonPatchOperation]>([
    ['an inherited member is not a member', {}, { op: 'replace', path: '/__proto__', value: 1 }],
    ['an inherited member is not a parent', {}, { op: 'add', path: '/__proto__/a', value: 1 }],
    ['replacing what is not there', {}, { op: 'replace', path: '/a', value: 1 }],
    ['removing what is not there', {}, { op: 'remove', path: '/a' }],
    ['adding below what is not there', {}, { op: 'add', path: '/a/b', value: 1 }],
    ['adding below a scalar', { a: 1 }, { op: 'add', path: '/a/b', value: 1 }],
    ['an index past the end', [1], { op: 'add', path: '/2', value: 1 }],
    ['replacing at the length', [1], { op: 'replace', path: '/1', value: 1 }],
    ['replacing "-"', [1], { op: 'replace', path: '/-', value: 1 }],
    ['an index with a leading zero', [1, 2], { op: 'remove', path: '/01' }],
    ['a negative index', [1], { op: 'remove', path: '/-1' }],
    ['a pointer without a slash', { a: 1 }, { op: 'remove', path: 'a' }],
    ['a bad escape', { '~2': 1 }, { op: 'remove', path: '/~2' }],
    ['removing everything', {}, { op: 'remove', path: '' }],
  ])('refuses: %s', (_, document, operation) => {
    const before = JSON.stringify(document);
    expect(() => applyPatch(document, [operation])).toThrow(PatchError);
    expect(JSON.stringify(document)).toBe(before);
  });
});

describe('diffToPatch', () => {
  it('edits only what differs', () => {
    expect(diffToPatch({ a: 1, b: [1, 3], c: { d: 1 } }, { b: [1, 2, 3], c: { d: 2 } })).toEqual([
      { op: 'remove', path: '/a' },
      { op: 'add', path: '/b/1', value: 2 },
      { op: 'replace', path: '/c/d', value: 2 },
    ]);
  });

  it('is empty for equal values', () => {
    expect(diffToPatch({ a: [{}], b: 1 }, { b: 1, a: [{}] })).toEqual([]);
  });

  it('gives, applied to before, after', () => {
    fc.assert(
      fc.property(json, json, (before, after) => {
        const result = applyPatch(before, diffToPatch(before, after));
        expect(sameJson(result, after)).toBe(true);
      }),
      { numRuns: 1000 },
    );
  });
});

describe('sameJson', () => {
  it('agrees with comparing the diff to nothing', () => {
    fc.assert(
      fc.property(json, json, (left, right) => {
        expect(sameJson(left, right)).toBe(diffToPatch(left, right).length === 0);
        expect(sameJson(left, JSON.parse(JSON.stringify(left)) as JsonValue)).toBe(true);
      }),
    );
  });
});
