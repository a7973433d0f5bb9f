import fc from 'fast-check';
import { changedPaths } from './changed-paths.js';
import { sameJson } from './json-patch.js';
import type { JsonValue } from './protocol.js';
import { formatPath, parsePath, readPath } from './read-path.js';
import { reconcile } from './reconcile.js';

const key = fc.constantFrom('__proto__', 'constructor', 'a', 'b', 'c.d', '0', '/e');
const json = fc.letrec<{ value: JsonValue }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.constantFrom<JsonValue>(null, true, 0, 1, 'x', ''),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.array(fc.tuple(key, tie('value')), { maxLength: 4 }).map((entries) => Object.fromEntries(entries) as JsonValue),
  ),
})).value;

const copy = (value: JsonValue) => JSON.parse(JSON.stringify(value)) as JsonValue;

function deepFrozen(value: unknown): boolean {
  return typeof value !== 'object' || value === null || (Object.isFrozen(value) && Object.values(value).every(deepFrozen));
}

// Every part at the same place that is equal must be the same object.
function expectShared(previous: unknown, next: unknown): void {
  if (typeof previous !== 'object' || typeof next !== 'object' || previous === null || next === null) return;
  if (sameJson(previous as JsonValue, next as JsonValue)) return expect(next).toBe(previous);
  if (Array.isArray(previous) !== Array.isArray(next)) return;
  for (const name of Object.keys(next)) {
    if (Object.hasOwn(previous, name)) expectShared((previous as Record<string, unknown>)[name], (next as Record<string, unknown>)[name]);
  }
}

describe('reconcile', () => {
  it.each([['owned', true], ['foreign', false]])('gives an equal, deep-frozen value that shares every equal part (%s)', (_, owned) => {
    fc.assert(
      fc.property(json, json, (before, after) => {
        const previous = reconcile(undefined, copy(before), true);
        const result = reconcile(previous, copy(after), owned);
        expect(sameJson(result as JsonValue, after)).toBe(true);
        expect(deepFrozen(result)).toBe(true);
        expectShared(previous, result);
      }),
      { numRuns: 500 },
    );
  });

  it('never freezes or changes what belongs to someone else', () => {
    fc.assert(
      fc.property(json, json, (before, after) => {
        const theirs = copy(after);
        reconcile(reconcile(undefined, copy(before), true), theirs, false);
        expect(JSON.stringify(theirs)).toBe(JSON.stringify(after));
        if (typeof theirs === 'object' && theirs !== null && Object.keys(theirs).length > 0) expect(Object.isFrozen(theirs)).toBe(false);
      }),
    );
  });

  it('keeps equal dates, URLs and patterns, and leaves other instances as they are', () => {
    const make = () => ({ date: new Date(5), url: new URL('http://x/'), pattern: /a/g, map: new Map([[1, 2]]) });
    const previous = reconcile(undefined, make(), false) as ReturnType<typeof make>;
    const next = reconcile(previous, make(), false) as ReturnType<typeof make>;
    expect([next.date, next.url, next.pattern]).toEqual([previous.date, previous.url, previous.pattern]);
    expect(next.date).toBe(previous.date);
    expect(next.url).toBe(previous.url);
    expect(next.map).not.toBe(previous.map);
    expect(Object.isFrozen(next.pattern)).toBe(false);
  });
});

describe('changedPaths', () => {
  it('names paths that get can read, and only where the values differ', () => {
    fc.assert(
      fc.property(json, json, (before, after) => {
        const previous = reconcile(undefined, copy(before), true);
        const paths = changedPaths(previous, reconcile(previous, copy(after), true), []);
        for (const path of paths) expect(sameJson(readPath(before, parsePath(path)) as JsonValue, readPath(after, parsePath(path)) as JsonValue)).toBe(false);
        if (sameJson(before, after)) return;
        expect(paths.length).toBeGreaterThan(0);
      }),
    );
  });
});

describe('formatPath', () => {
  it('is undone by parsePath', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(key, fc.string()), { minLength: 1 }), (segments) => {
        expect(parsePath(formatPath(segments))).toEqual(segments);
      }),
    );
  });
});
