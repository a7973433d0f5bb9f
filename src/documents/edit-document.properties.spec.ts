import type { JsonValue } from '@trimtab/client/protocol';
import fc from 'fast-check';
import { applyJsonPatch } from './apply-patch';
import type { Format } from './document-type';
import { editDocument, type JsonPatchInput } from './edit-document';
import { isJsonArray, isJsonObject, member, objectOf, sameValue, type JsonObject } from './json-object';
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
        const expected = format === 'properties' ? withoutEmptyMaps(mergeValues(value, patch)) : mergeValues(value, patch);
        const edited = editDocument(document, { kind: 'merge', path: [], value: patch });
        expect(parseDocument(edited, { format, keys: 'literal' }).value).toEqual(expected);
        expectComments(edited, comments, value, expected);
        if (sameValue(value, expected)) expect(edited).toBe(source);
      }),
      { numRuns: RUNS },
    );
  });
});

describe.each(['yaml', 'json', 'toml'] as const)('given a %s document that a JSON Patch changes', (format) => {
  it('becomes the value that the patch makes of its value', () => {
    fc.assert(
      fc.property(fc.gen(), (g) => {
        const value = chooseMap(g, format, 3);
        const { source } = writeCommented(g, format, value);
        const operations = chooseOperations(g, value, format);
        const edited = editDocument(parseDocument(source, { format, keys: 'literal' }), { kind: 'json-patch', operations });
        expect(parseDocument(edited, { format, keys: 'literal' }).value).toEqual(applyJsonPatch(value, operations));
      }),
      { numRuns: RUNS },
    );
  });
});

describe.each(['yaml', 'json'] as const)('given a %s document whose dots separate levels', (format) => {
  it('finds and changes each path in whichever form it is written', () => {
    fc.assert(
      fc.property(fc.gen(), (g) => {
        const value = chooseMap(g, format, 3);
        const { source } = writeCommented(g, format, withDots(g, value) as JsonObject);
        const document = parseDocument(source, { format, keys: 'dotted' });
        const edited = editDocument(document, { kind: 'merge', path: [], value: choosePatch(g, document.value, format) });
        parseDocument(edited, { format, keys: 'dotted' });
      }),
      { numRuns: RUNS },
    );
  });
});

/** Writes some levels of a value into the keys above them. */
function withDots(g: fc.GeneratorValue, value: JsonValue): JsonValue {
  if (isJsonArray(value)) return value.map((item) => withDots(g, item));
  if (!isJsonObject(value)) return value;
  const entries = Object.entries(value).flatMap(([key, child]) => {
    const inner = withDots(g, child);
    if (!isJsonObject(inner) || Object.keys(inner).length === 0 || g(fc.nat, { max: 2 }) > 0) return [[key, inner] as const];
    return Object.entries(inner).map(([below, leaf]) => [`${key}.${below}`, leaf] as const);
  });
  return objectOf(entries);
}

function chooseOperations(g: fc.GeneratorValue, value: JsonValue, format: Format): JsonPatchInput[] {
  const operations: JsonPatchInput[] = [];
  let now = value;
  for (let count = g(fc.nat, { max: 4 }); count > 0; count -= 1) {
    const paths = pathsOf(now, '');
    const path = g(fc.constantFrom, ...paths, '');
    const operation = g(fc.constantFrom<JsonPatchInput[]>,
      { op: 'remove', path },
      { op: 'replace', path, value: chooseValue(g, format, 2) },
      { op: 'add', path: `${path}/${chooseKey(g)}`, value: chooseValue(g, format, 2) },
      { op: 'add', path: `${path}/0`, value: chooseValue(g, format, 2) },
      { op: 'move', from: path, path: `/${chooseKey(g)}` },
      { op: 'copy', from: g(fc.constantFrom, ...paths, ''), path: `${path}/-` },
    ) as JsonPatchInput;
    try {
      const next = applyJsonPatch(now, [operation]);
      if (!isJsonObject(next) || JSON.stringify(next).length > 2000) continue;
      now = next;
      operations.push(operation);
    } catch {
      // An operation that does not apply says nothing about the edit.
    }
  }
  return operations;
}

function pathsOf(value: JsonValue, above: string): string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, child]) => [`${above}/${key}`, ...pathsOf(child as JsonValue, `${above}/${key}`)]);
}

/** Changes, removes and adds keys, mostly of those that are there. */
function choosePatch(g: fc.GeneratorValue, value: JsonValue, format: Format): JsonValue {
  if (!isJsonObject(value)) return chooseValue(g, format, 2);
  const entries: [string, JsonValue][] = [];
  for (const [key, child] of Object.entries(value)) {
    const what = g(fc.constantFrom, 'keep', 'keep', 'change', 'below', 'remove');
    // An empty map cannot be written in properties, so no patch may ask for one.
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

/** In properties a level goes with its last leaf. */
function withoutEmptyMaps(value: JsonValue): JsonValue {
  if (!isJsonObject(value)) return value;
  const entries = Object.entries(value).map(([key, child]) => [key, withoutEmptyMaps(child)] as const);
  return objectOf(entries.filter(([, child]) => !isJsonObject(child) || Object.keys(child).length > 0));
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
