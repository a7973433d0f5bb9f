import type { JsonValue } from '@trimtab/client/protocol';
import { DomainError } from '../kernel/domain-error';
import { DEFAULT_DOCUMENT_LIMITS, type DocumentLimits, type Path } from './document-type';
import { isJsonArray, isJsonObject, member, objectOf, sameValue } from './json-object';
import { LevelCopies } from './level-copies';
import { mergeValues } from './merge-documents';
import { arrayIndex, formatPointer, parsePointer } from './pointer';
import { assertSize } from './source-text';

/** One operation of RFC 6902. */
export type JsonPatchInput =
  | { readonly op: 'add' | 'replace' | 'test'; readonly path: string; readonly value: JsonValue }
  | { readonly op: 'remove'; readonly path: string }
  | { readonly op: 'move' | 'copy'; readonly from: string; readonly path: string };

/** What a whole value becomes by JSON Merge Patch (RFC 7396) at one of its paths; missing levels are made. */
export function mergeAt(value: JsonValue, path: Path, patch: JsonValue, copies = new LevelCopies()): JsonValue {
  const [key, ...rest] = path;
  if (key === undefined) return mergeValues(value, patch);
  if (isJsonArray(value)) {
    const index = arrayIndex(key);
    if (index === undefined || index >= value.length) throw failed(`there is no item '${key}'`, path);
    // In a list `null` is an item like any other: there is no key to unset.
    const item = rest.length === 0 && patch === null ? null : mergeAt(value[index] as JsonValue, rest, patch, copies);
    return value.with(index, item);
  }
  const object = isJsonObject(value) ? value : {};
  if (rest.length === 0 && patch === null) return copies.with(object, key, undefined);
  const before = member(object, key);
  if (patch === null && before === undefined) return value;
  return copies.with(object, key, mergeAt(before ?? null, rest, patch, copies));
}

/** Like {@link mergeAt}, but what was at the path is replaced whole. */
export function setAt(value: JsonValue, path: Path, replacement: JsonValue, copies = new LevelCopies()): JsonValue {
  if (path.length === 0) return replacement;
  const cleared = valueAt(value, path) === undefined ? value : mergeAt(value, path, '', copies);
  // A scalar in between, so that the objects of the replacement are not merged with those that were there.
  return mergeAt(cleared, path, replacement, copies);
}

export function valueAt(value: JsonValue, path: Path): JsonValue | undefined {
  let inner: JsonValue | undefined = value;
  for (const key of path) {
    if (isJsonObject(inner)) inner = member(inner, key);
    else inner = isJsonArray(inner) ? inner[arrayIndex(key) ?? -1] : undefined;
  }
  return inner;
}

/** What a value becomes by a JSON Patch (RFC 6902), whole or not at all. The value itself is not changed. */
export function applyJsonPatch(
  value: JsonValue,
  operations: readonly JsonPatchInput[],
  { maxBytes }: Pick<DocumentLimits, 'maxBytes'> = DEFAULT_DOCUMENT_LIMITS,
  copies = new LevelCopies(),
): JsonValue {
  let result = value;
  let room: number | undefined;
  for (const [index, operation] of operations.entries()) {
    try {
      if (operation.op === 'copy') {
        // Copies of copies double with every operation.
        const size = leastSize(read(result, parsePointer(operation.from)));
        if (room === undefined || room < size) room = maxBytes - leastSize(result);
        assertSize(maxBytes - room + size, { maxBytes });
        room -= size;
      }
      result = applyOperation(result, operation, copies);
    } catch (cause) {
      if (!(cause instanceof DomainError) || cause.code === 'document_too_large') throw cause;
      const detail = `Operation ${index} (${operation.op} '${operation.path}') does not apply: ${cause.message} Nothing was changed.`;
      throw new DomainError('patch_failed', detail, { pointer: operation.path, extra: { operation: index }, cause });
    }
  }
  return result;
}

function applyOperation(value: JsonValue, operation: JsonPatchInput, copies: LevelCopies): JsonValue {
  const path = parsePointer(operation.path);
  switch (operation.op) {
    case 'add':
      return change(value, path, 0, () => operation.value, 'add', copies);
    case 'remove':
      return change(value, path, 0, () => undefined, 'remove', copies);
    case 'replace':
      return change(value, path, 0, () => operation.value, 'replace', copies);
    case 'test':
      if (sameValue(read(value, path), operation.value)) return value;
      throw failed('the value there is a different one.', path);
    case 'copy':
      return change(value, path, 0, () => copied(read(value, parsePointer(operation.from))), 'add', copies);
    case 'move': {
      const from = parsePointer(operation.from);
      if (path.length > from.length && from.every((key, index) => key === path[index])) throw failed('a value cannot be moved into itself.', path);
      const moved = read(value, from);
      return change(change(value, from, 0, () => undefined, 'remove', copies), path, 0, () => moved, 'add', copies);
    }
  }
}

function read(value: JsonValue, path: Path): JsonValue {
  const found = valueAt(value, path);
  if (found === undefined) throw failed(`there is nothing at '${formatPointer(path)}'.`, path);
  return found;
}

/** Nothing stands in two places: what changes in one would change in the other. */
function copied(value: JsonValue): JsonValue {
  if (isJsonArray(value)) return value.map(copied);
  return isJsonObject(value) ? objectOf(Object.entries(value).map(([key, child]) => [key, copied(child)] as const)) : value;
}

/** The least number of characters in which a value can be written. */
function leastSize(value: JsonValue): number {
  if (typeof value === 'string') return value.length;
  if (isJsonArray(value)) return value.reduce<number>((size, item) => size + 1 + leastSize(item), 1);
  if (!isJsonObject(value)) return 1;
  return Object.entries(value).reduce((size, [key, child]) => size + key.length + 1 + leastSize(child), 1);
}

type Verb = 'add' | 'remove' | 'replace';

function change(value: JsonValue, path: Path, depth: number, make: () => JsonValue | undefined, verb: Verb, copies: LevelCopies): JsonValue {
  const key = path[depth];
  if (key === undefined) {
    const made = make();
    if (made === undefined) throw failed('the whole document cannot be removed.', path);
    return made;
  }
  const last = depth === path.length - 1;
  if (isJsonArray(value)) return changeItem(value, key, path, last, make, verb, depth, copies);
  if (!isJsonObject(value)) throw failed(`'${formatPointer(path.slice(0, depth))}' is neither an object nor a list.`, path);
  const before = member(value, key);
  if (before === undefined && !(last && verb === 'add')) throw failed(`there is nothing at '${formatPointer(path.slice(0, depth + 1))}'.`, path);
  return copies.with(value, key, last ? make() : change(before as JsonValue, path, depth + 1, make, verb, copies));
}

function changeItem(list: readonly JsonValue[], key: string, path: Path, last: boolean, make: () => JsonValue | undefined, verb: Verb, depth: number, copies: LevelCopies): JsonValue {
  const adds = last && verb === 'add';
  const index = adds && key === '-' ? list.length : arrayIndex(key);
  if (index === undefined) throw failed(`'${key}' is not an index of a list.`, path);
  if (index > list.length || (index === list.length && !adds)) throw failed(`there is no item ${key}; the list has ${list.length}.`, path);
  const after = last ? make() : change(list[index] as JsonValue, path, depth + 1, make, verb, copies);
  if (after === undefined) return list.toSpliced(index, 1);
  return adds ? list.toSpliced(index, 0, after) : list.with(index, after);
}

function failed(sentence: string, path: Path): DomainError {
  return new DomainError('patch_failed', sentence, { pointer: formatPointer(path) });
}
