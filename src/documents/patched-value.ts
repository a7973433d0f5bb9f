import type { JsonValue } from '@trimtab/client/protocol';
import { DomainError } from '../kernel/domain-error';
import { applyJsonPatch, mergeAt, setAt, valueAt, type JsonPatchInput } from './apply-patch';
import type { DocumentLimits, Path } from './document-type';
import { splitKey } from './dotted-keys';
import type { DocumentPatch } from './edit-document';
import { isJsonArray, isJsonObject, member, objectOf } from './json-object';
import { LevelCopies } from './level-copies';
import { normalizeDotted } from './located';
import type { ParsedDocument } from './parse-document';
import { formatPointer, parsePointer } from './pointer';
import { propertyText } from './write-properties';

/** The value a document must have after a patch, in the form its format and key style give to values. */
export function patchedValue({ value, type }: ParsedDocument, patch: DocumentPatch, limits: DocumentLimits): JsonValue {
  for (const [input, pointer] of inputsOf(patch)) assertWritable(input, pointer, limits);
  const dotted = type.keys === 'dotted' || type.format === 'properties';
  const patched = dotted ? withoutEmptied(value, normalizeDotted(patchDotted(value, patch, limits), limits.maxDepth)) : patchLiteral(value, patch, limits);
  if ((type.format === 'toml' || type.format === 'properties') && !isJsonObject(patched)) {
    throw new DomainError('value_not_representable', `A ${type.format} document is a set of keys and cannot become a single value.`, { pointer: '' });
  }
  return type.format === 'properties' ? asProperties(patched, []) : patched;
}

function patchLiteral(value: JsonValue, patch: DocumentPatch, limits: DocumentLimits): JsonValue {
  return patch.kind === 'merge' ? mergeAt(value, patch.path, patch.value) : applyJsonPatch(value, patch.operations, limits);
}

/**
 * In a document with dotted keys, a key of the patch is a path as well: `{"db.pool": 5}` sets what `{"db": {"pool": 5}}`
 * sets, where the document has it.
 */
function patchDotted(value: JsonValue, patch: DocumentPatch, limits: DocumentLimits): JsonValue {
  if (patch.kind === 'merge') {
    const path = resolve(value, patch.path.flatMap(splitKey));
    const merged = patch.value === null ? null : mergeDotted(valueAt(value, path) ?? null, patch.value);
    return isJsonObject(merged) ? setAt(value, path, merged) : mergeAt(value, path, merged);
  }
  let patched = value;
  const copies = new LevelCopies();
  patch.operations.forEach((operation, index) => {
    const at = (pointer: string): string => formatPointer(resolve(patched, parsePointer(pointer).flatMap(splitKey)));
    const resolved = resolveOperation(operation, at, limits);
    try {
      patched = applyJsonPatch(patched, [resolved], limits, copies);
    } catch (cause) {
      if (!(cause instanceof DomainError) || cause.code === 'document_too_large') throw cause;
      throw new DomainError('patch_failed', cause.message.replace('Operation 0', `Operation ${index}`), { pointer: operation.path, extra: { operation: index }, cause });
    }
  });
  return patched;
}

function resolveOperation(operation: JsonPatchInput, at: (pointer: string) => string, limits: DocumentLimits): JsonPatchInput {
  if (operation.op === 'move' || operation.op === 'copy') return { ...operation, from: at(operation.from), path: at(operation.path) };
  if ('value' in operation) return { ...operation, path: at(operation.path), value: normalizeDotted(operation.value, limits.maxDepth) };
  return { ...operation, path: at(operation.path) };
}

/** Where one level is a leaf already, what goes on below it is a dotted key beside it. */
function resolve(value: JsonValue, path: Path): string[] {
  let inner: JsonValue | undefined = value;
  for (const [depth, key] of path.entries()) {
    if (isJsonArray(inner)) inner = inner[Number(key)];
    else if (!isJsonObject(inner)) return [...path];
    else {
      const next: JsonValue | undefined = member(inner, key);
      const more = depth < path.length - 1;
      if (more && next !== undefined && !isJsonObject(next) && !isJsonArray(next)) return [...path.slice(0, depth), path.slice(depth).join('.')];
      inner = next;
    }
  }
  return [...path];
}

/** RFC 7396, with dotted keys in the patch. */
function mergeDotted(value: JsonValue, patch: JsonValue): JsonValue {
  if (!isJsonObject(patch)) return patch;
  let merged: JsonValue = isJsonObject(value) ? value : {};
  const copies = new LevelCopies();
  for (const [key, child] of Object.entries(patch)) {
    const path = resolve(merged, splitKey(key));
    if (child === null) merged = mergeAt(merged, path, null, copies);
    else merged = setAt(merged, path, mergeDotted(valueAt(merged, path) ?? null, child), copies);
  }
  return merged;
}

/** Where dots make the levels, a level is there for its leaves: it goes with the last of them. */
function withoutEmptied(before: JsonValue | undefined, after: JsonValue): JsonValue {
  if (!isJsonObject(after) || !isJsonObject(before)) return after;
  const entries = Object.entries(after).map(([key, child]) => [key, withoutEmptied(member(before, key), child)] as const);
  return objectOf(entries.filter(([key, child]) => !isEmpty(child) || isEmpty(member(before, key)) || !isJsonObject(member(before, key))));
}

function isEmpty(value: JsonValue | undefined): boolean {
  return isJsonObject(value) && Object.keys(value).length === 0;
}

/** Numbers and booleans become the text that stands for them. */
function asProperties(value: JsonValue, path: Path): JsonValue {
  if (isJsonObject(value) && (path.length === 0 || Object.keys(value).length > 0)) {
    return objectOf(Object.entries(value).map(([key, child]) => [key, asProperties(child, [...path, key])] as const));
  }
  if (value !== null && typeof value !== 'object') return propertyText(value);
  const pointer = formatPointer(path);
  throw new DomainError('value_not_representable', `${pointer} cannot be written: .properties hold strings, no lists, no null and no empty objects.`, { pointer });
}

function* inputsOf(patch: DocumentPatch): Generator<readonly [JsonValue, string]> {
  if (patch.kind === 'merge') yield [patch.value, formatPointer(patch.path)];
  else for (const operation of patch.operations) if ('value' in operation) yield [operation.value, operation.path];
}

/** Without recursion, because nothing has bounded the depth of a patch yet. */
function assertWritable(root: JsonValue, pointer: string, { maxDepth }: DocumentLimits): void {
  const pending: { value: JsonValue; depth: number }[] = [{ value: root, depth: 0 }];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const { value, depth } = next;
    if (depth > maxDepth) throw new DomainError('document_too_deep', `The patch is nested deeper than ${maxDepth} levels.`, { pointer });
    if (typeof value === 'number' && Number.isInteger(value) && !Number.isSafeInteger(value)) {
      throw new DomainError('number_out_of_range', `${value} is outside ±9007199254740991 and may have been rounded. Write it as a string.`, { pointer });
    }
    if (typeof value === 'object' && value !== null) for (const child of Object.values(value)) pending.push({ value: child, depth: depth + 1 });
  }
}
