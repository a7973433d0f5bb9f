import type { JsonValue } from '@trimtab/client/protocol';
import fc from 'fast-check';
import type { Format, Path } from './document-type';
import { editDocument } from './edit-document';
import { isJsonArray, isJsonObject, member, sameValue } from './json-object';
import { mergeValues } from './merge-documents';
import { parseDocument } from './parse-document';
import { chooseKey, chooseMap, chooseValue, writeCommented, type WrittenComment } from './testing/commented-source';

const RUNS = Number(process.env.TRIMTAB_PROPERTY_RUNS ?? 300);
const STRUCTURED = ['json', 'yaml', 'toml', 'properties'] as const satisfies readonly Format[];

describe.each(STRUCTURED)('given a %s document written by hand', (format) => {
  it('reads the value that was written', () => {
    fc.assert(
      fc.property(fc.gen(), (g) => {
        const value = chooseMap(g, format, 3);
        const { source } = writeCommented(g, format, value);
        expect(parseDocument(source, { format, keys: 'literal' }).value).toEqual(value);
      }),
      { numRuns: RUNS },
    );
  });

  it('becomes the patched value by a merge patch, and every comment outside what was removed stays in place', () => {
    fc.assert(
      fc.property(fc.gen(), (g) => {
        const value = chooseMap(g, format, 3);
        const { source, comments } = writeCommented(g, format, value);
        const document = parseDocument(source, { format, keys: 'literal' });
        const patch = choosePatch(g, value, format);
        const expected = mergeValues(value, patch);
        fc.pre(format !== 'properties' || hasNoEmptyMap(expected));
        const edited = editDocument(document, { kind: 'merge', path: [], value: patch });
        expect(parseDocument(edited, { format, keys: 'literal' }).value).toEqual(expected);
        expectComments(edited, comments, value, expected);
        if (sameValue(value, expected)) expect(edited).toBe(source);
      }),
      { numRuns: RUNS },
    );
  });
});

/** Changes, removes and adds keys, mostly of those that are there. */
function choosePatch(g: fc.GeneratorValue, value: JsonValue, format: Format): JsonValue {
  if (!isJsonObject(value)) return chooseValue(g, format, 2);
  const entries: [string, JsonValue][] = [];
  for (const [key, child] of Object.entries(value)) {
    const what = g(fc.constantFrom, 'keep', 'keep', 'change', 'below', 'remove');
    if (what === 'remove') entries.push([key, null]);
    if (what === 'change') entries.push([key, chooseValue(g, format, 2)]);
    if (what === 'below') entries.push([key, isJsonArray(child) ? chooseList(g, child, format) : choosePatch(g, child, format)]);
  }
  if (g(fc.boolean)) entries.push([chooseKey(g), chooseValue(g, format, 2)]);
  return Object.fromEntries(entries);
}

function chooseList(g: fc.GeneratorValue, list: readonly JsonValue[], format: Format): JsonValue {
  return list.flatMap((item) => {
    const what = g(fc.constantFrom, 'keep', 'keep', 'change', 'remove', 'insert');
    if (what === 'remove') return [];
    if (what === 'insert') return [item, chooseValue(g, format, 1)];
    return [what === 'change' ? chooseValue(g, format, 1) : item];
  });
}

function hasNoEmptyMap(value: JsonValue): boolean {
  return !isJsonObject(value) || Object.values(value).every((child) => !isJsonObject(child) || (Object.keys(child).length > 0 && hasNoEmptyMap(child)));
}

function expectComments(edited: string, comments: readonly WrittenComment[], before: JsonValue, after: JsonValue): void {
  let position = 0;
  for (const comment of comments) {
    const found = edited.indexOf(comment.text);
    if (found === -1) {
      if (mustStay(comment, before, after)) throw new Error(`lost '${comment.text}' at ${JSON.stringify(comment.path)} in\n${edited}`);
      continue;
    }
    expect(edited.indexOf(comment.text, found + 1)).toBe(-1);
    if (mustStay(comment, before, after)) {
      expect(found).toBeGreaterThanOrEqual(position);
      position = found;
    }
  }
}

/** Comments in or behind lists are not told apart: their items have no names by which to recognise them. */
function mustStay({ path, trailing }: WrittenComment, before: JsonValue, after: JsonValue): boolean {
  let [old, now]: [JsonValue | undefined, JsonValue | undefined] = [before, after];
  for (const [depth, key] of path.entries()) {
    const isEntry = trailing && depth === path.length - 1;
    if (!isJsonObject(old) || !isJsonObject(now)) return sameValue(old, now);
    if (depth > 0 && !Object.keys(old).some((name) => isJsonObject(now) && Object.hasOwn(now, name))) return false;
    [old, now] = [member(old, key), member(now, key)];
    if (isEntry) return now !== undefined && (sameValue(old, now) || (isScalar(old) && isScalar(now)));
  }
  if (!isJsonObject(old) || !isJsonObject(now)) return sameValue(old, now);
  return path.length === 0 || Object.keys(old).some((name) => Object.hasOwn(now as object, name));
}

function isScalar(value: JsonValue | undefined): boolean {
  return value !== undefined && (value === null || typeof value !== 'object');
}
