import type { JsonValue } from './canonical-json.js';

/** The operations of RFC 6902 that a delta uses; `path` is an RFC 6901 pointer. */
export type JsonPatchOperation =
  | { readonly op: 'add'; readonly path: string; readonly value: JsonValue }
  | { readonly op: 'replace'; readonly path: string; readonly value: JsonValue }
  | { readonly op: 'remove'; readonly path: string };

type JsonObject = { readonly [key: string]: JsonValue };

const INDEX = /^(?:0|[1-9][0-9]*)$/;

/** Why a patch does not apply; {@link PatchError.path} is the pointer of the operation. */
export class PatchError extends Error {
  constructor(
    detail: string,
    /** The RFC 6901 pointer of the operation that does not apply. */
    readonly path: string,
  ) {
    super(`The patch does not apply at '${path}': ${detail}`);
    this.name = 'PatchError';
  }
}

/**
 * Applies an RFC 6902 patch. Nothing that was passed in is changed: what the patch touches is copied, and every
 * subtree it does not touch is the same object in the result. Keys such as `__proto__` are data.
 *
 * @example
 * applyPatch({ a: { b: 1 }, c: [] }, [{ op: 'replace', path: '/a/b', value: 2 }]); // { a: { b: 2 }, c: [] }
 *
 * @throws PatchError when an operation does not apply; the patch then has no effect at all.
 */
export function applyPatch<T extends JsonValue>(document: T, patch: readonly JsonPatchOperation[]): T {
  // Containers that this call has already copied may be edited in place; all others are still the caller's.
  const owned = new Set<unknown>();
  let root: JsonValue = document;
  for (const operation of patch) root = applyAt(root, segmentsOf(operation.path), 0, operation, owned);
  return root as T;
}

function applyAt(
  node: JsonValue | undefined,
  segments: readonly string[],
  depth: number,
  operation: JsonPatchOperation,
  owned: Set<unknown>,
): JsonValue {
  const segment = segments[depth];
  if (segment === undefined) {
    if (operation.op === 'remove') throw new PatchError('the whole value cannot be removed', operation.path);
    return operation.value;
  }
  if (typeof node !== 'object' || node === null) throw new PatchError('its parent is not there', operation.path);
  const last = depth === segments.length - 1;
  if (Array.isArray(node)) {
    const array = own(node as readonly JsonValue[], owned, (original) => original.slice());
    const index = indexOf(segment, array.length, last && operation.op === 'add', operation.path);
    if (!last) array[index] = applyAt(array[index], segments, depth + 1, operation, owned);
    else if (operation.op === 'remove') array.splice(index, 1);
    else array.splice(index, operation.op === 'add' ? 0 : 1, operation.value);
    return array;
  }
  const exists = Object.hasOwn(node, segment);
  if (!exists && !(last && operation.op === 'add')) throw new PatchError('there is no such member', operation.path);
  const object = own(node as JsonObject, owned, copyObject) as Record<string, JsonValue>;
  if (!last) setOwn(object, segment, applyAt(object[segment], segments, depth + 1, operation, owned));
  else if (operation.op === 'remove') delete object[segment];
  else setOwn(object, segment, operation.value);
  return object;
}

function own<T extends object, C extends object>(container: T, owned: Set<unknown>, copy: (original: T) => C): C {
  if (owned.has(container)) return container as unknown as C;
  const copied = copy(container);
  owned.add(copied);
  return copied;
}

// Spread defines properties and never calls a setter, so an own `__proto__` is copied as the data it is.
function copyObject(original: JsonObject): JsonObject {
  return { ...original };
}

function setOwn(object: Record<string, JsonValue>, key: string, value: JsonValue): void {
  if (key === '__proto__') Object.defineProperty(object, key, { value, writable: true, enumerable: true, configurable: true });
  else object[key] = value;
}

function indexOf(segment: string, length: number, adding: boolean, path: string): number {
  if (adding && segment === '-') return length;
  if (!INDEX.test(segment)) throw new PatchError(`'${segment}' is not an array index`, path);
  const index = Number(segment);
  if (index > (adding ? length : length - 1)) throw new PatchError(`the array has ${length} elements`, path);
  return index;
}

function segmentsOf(path: string): string[] {
  if (typeof path !== 'string') throw new PatchError('the path is not a string', String(path));
  if (path === '') return [];
  if (!path.startsWith('/')) throw new PatchError('a pointer begins with a slash', path);
  if (!path.includes('~')) return path.slice(1).split('/');
  if (/~(?![01])/.test(path)) throw new PatchError("'~' must be followed by 0 or 1", path);
  return path
    .slice(1)
    .split('/')
    .map((segment) => segment.replaceAll('~1', '/').replaceAll('~0', '~'));
}

/**
 * The patch that turns `before` into `after`: objects member by member, arrays by what lies between their common
 * beginning and end, everything else replaced. It is small for the usual edits, not the smallest possible.
 *
 * @example
 * diffToPatch({ a: 1, b: [1, 3] }, { b: [1, 2, 3] });
 * // [{ op: 'remove', path: '/a' }, { op: 'add', path: '/b/1', value: 2 }]
 */
export function diffToPatch(before: JsonValue, after: JsonValue): JsonPatchOperation[];
/** The same, but gives up and returns undefined when it has compared this many values and is not done. */
export function diffToPatch(before: JsonValue, after: JsonValue, maxCompared: number): JsonPatchOperation[] | undefined;
export function diffToPatch(before: JsonValue, after: JsonValue, maxCompared = Infinity): JsonPatchOperation[] | undefined {
  const diff: Diff = { operations: [], left: maxCompared };
  diffInto(diff, '', before, after);
  return diff.left < 0 ? undefined : diff.operations;
}

interface Diff {
  readonly operations: JsonPatchOperation[];
  /** How many values may still be compared; below zero, everybody returns and the result means nothing. */
  left: number;
}

function diffInto(diff: Diff, path: string, before: JsonValue, after: JsonValue): void {
  diff.left -= 1;
  if (before === after || diff.left < 0) return;
  if (Array.isArray(before) && Array.isArray(after)) return diffArrays(diff, path, before, after);
  if (isObject(before) && isObject(after)) return diffObjects(diff, path, before, after);
  diff.operations.push({ op: 'replace', path, value: after });
}

function diffObjects(diff: Diff, path: string, before: JsonObject, after: JsonObject): void {
  for (const key of Object.keys(before)) {
    if (diff.left < 0) return;
    const at = `${path}/${escapeSegment(key)}`;
    if (Object.hasOwn(after, key)) diffInto(diff, at, before[key] as JsonValue, after[key] as JsonValue);
    else diff.operations.push({ op: 'remove', path: at });
  }
  for (const key of Object.keys(after)) {
    if (Object.hasOwn(before, key)) continue;
    diff.operations.push({ op: 'add', path: `${path}/${escapeSegment(key)}`, value: after[key] as JsonValue });
  }
}

function diffArrays(diff: Diff, path: string, before: readonly JsonValue[], after: readonly JsonValue[]): void {
  const same = (left: JsonValue | undefined, right: JsonValue | undefined) => isSame(left, right, diff);
  const shorter = Math.min(before.length, after.length);
  let start = 0;
  while (start < shorter && same(before[start], after[start])) start++;
  let end = 0;
  while (end < shorter - start && same(before[before.length - 1 - end], after[after.length - 1 - end])) end++;
  const paired = shorter - start - end;
  for (let index = start; index < start + paired && diff.left >= 0; index++) {
    diffInto(diff, `${path}/${index}`, before[index] as JsonValue, after[index] as JsonValue);
  }
  // From the back, so that the indices of what is still to be removed stay true.
  for (let index = before.length - end - 1; index >= start + paired; index--) {
    diff.operations.push({ op: 'remove', path: `${path}/${index}` });
  }
  for (let index = start + paired; index < after.length - end; index++) {
    diff.operations.push({ op: 'add', path: `${path}/${index}`, value: after[index] as JsonValue });
  }
}

/** Whether two JSON values are equal; the order of an object's keys does not count. */
export function sameJson(left: JsonValue | undefined, right: JsonValue | undefined): boolean {
  return isSame(left, right, { left: Infinity });
}

function isSame(left: JsonValue | undefined, right: JsonValue | undefined, budget: { left: number }): boolean {
  budget.left -= 1;
  if (left === right) return true;
  if (budget.left < 0) return false;
  if (Array.isArray(left)) {
    return Array.isArray(right) && left.length === right.length && left.every((item, index) => isSame(item, right[index], budget));
  }
  if (!isObject(left) || !isObject(right)) return false;
  const keys = Object.keys(left);
  if (keys.length !== Object.keys(right).length) return false;
  return keys.every((key) => Object.hasOwn(right, key) && isSame(left[key], right[key], budget));
}

function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function escapeSegment(key: string): string {
  return key.includes('~') || key.includes('/') ? key.replaceAll('~', '~0').replaceAll('/', '~1') : key;
}
