import type { JsonValue } from '@trimtab/client/protocol';
import fc from 'fast-check';
import { applyJsonPatch, type JsonPatchInput } from './apply-patch';
import { diffText } from './diff-text';
import { diffValues } from './diff-values';
import { expectCleanPrototype, HOSTILE_KEYS } from './testing/hostile-keys';

const key = fc.constantFrom('a', 'b', 'c/d', 'e~f', '', ...HOSTILE_KEYS);
const { tree } = fc.letrec<{ tree: JsonValue }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom<JsonValue>(null, true, 1, 'x', [], [1, { a: 1 }]),
    fc.array(fc.tuple(key, tie('tree')), { maxLength: 4 }).map((entries) => Object.fromEntries(entries) as JsonValue),
  ),
}));

describe('given two values', () => {
  it('tells what changed leaf by leaf, a list as a whole', () => {
    expect(diffValues({ a: 1, b: { c: [1], d: 2 }, e: { f: 1 } }, { a: 1, b: { c: [1, 2] }, g: { h: { i: 1 } } })).toEqual([
      { path: '/b/c', op: 'replace', before: [1], after: [1, 2] },
      { path: '/b/d', op: 'remove', before: 2 },
      { path: '/e/f', op: 'remove', before: 1 },
      { path: '/g/h/i', op: 'add', after: 1 },
    ]);
  });

  it('names every leaf of a document that appears or goes', () => {
    expect(diffValues(undefined, { a: { b: 1 }, c: {} })).toEqual([{ path: '/a/b', op: 'add', after: 1 }, { path: '/c', op: 'add', after: {} }]);
    expect(diffValues('text', undefined)).toEqual([{ path: '', op: 'remove', before: 'text' }]);
  });

  it('leads from the one to the other when it is applied', () => {
    fc.assert(fc.property(tree, tree, (before, after) => expect(applyChanges(before, diffValues(before, after), after)).toEqual(after)), { numRuns: 500 });
    expectCleanPrototype();
  });

  it('finds nothing where only the order of keys differs', () => {
    expect(diffValues({ a: 1, b: { c: 1, d: 2 } }, { b: { d: 2, c: 1 }, a: 1 })).toEqual([]);
  });
});

/** Leaves name no empty objects between them, so those are made on the way and swept afterwards. */
function applyChanges(before: JsonValue, changes: ReturnType<typeof diffValues>, after: JsonValue): JsonValue {
  let value = before;
  for (const { path, op } of changes.filter((change) => change.op === 'remove')) value = applyJsonPatch(value, [{ op, path } as JsonPatchInput]);
  for (const change of changes.filter(({ op }) => op !== 'remove')) {
    const levels = change.path.split('/').slice(1, -1);
    levels.forEach((_, index) => {
      const above = `/${levels.slice(0, index + 1).join('/')}`;
      try {
        applyJsonPatch(value, [{ op: 'add', path: `${above}/probe`, value: 1 }]);
      } catch {
        value = applyJsonPatch(value, [{ op: 'add', path: above, value: {} }]);
      }
    });
    value = applyJsonPatch(value, [{ op: 'add', path: change.path, value: change.after as JsonValue }]);
  }
  return sweep(value, after);
}

function sweep(value: JsonValue, like: JsonValue | undefined): JsonValue {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  const other = (typeof like === 'object' && like !== null && !Array.isArray(like) ? like : {}) as { readonly [key: string]: JsonValue };
  return Object.fromEntries(
    Object.entries(value).filter(([name, child]) => Object.hasOwn(other, name) || !isHollow(child)).map(([name, child]) => [name, sweep(child, Object.hasOwn(other, name) ? other[name] : undefined)]),
  );
}

function isHollow(value: JsonValue): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && Object.values(value).every(isHollow);
}

describe('given two texts', () => {
  it('shows a unified diff under both names', () => {
    const diff = diffText('a\nb\nc\n', 'a\nB\nc\n', { before: 'version 7', after: 'version 9' });
    expect(diff).toContain('--- version 7');
    expect(diff).toContain('+++ version 9');
    expect(diff).toContain('-b\n+B\n');
    expect(diffText('same', 'same', { before: 'x', after: 'y' })).toBe('');
  });

  it('gives up on the lines in common, not on the answer, when two large texts share nothing', () => {
    const lines = (prefix: string) => Array.from({ length: 20_000 }, (_, index) => `${prefix}${index}`).join('\n');
    const diff = diffText(lines('a'), lines('b'), { before: 'x', after: 'y' });
    expect(diff).toContain('-a19999');
    expect(diff).toContain('+b19999');
  });
});
