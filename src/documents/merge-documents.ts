import type { JsonValue } from '@trimtab/client/protocol';
import { isJsonArray, isJsonObject, member, sameValue, setMember } from './json-object';
import type { ParsedDocument } from './parse-document';
import { formatPointer } from './pointer';

/**
 * JSON Merge Patch (RFC 7396) with the stronger value as the patch: objects merge, everything else replaces, `null`
 * unsets. Neither argument is changed; what is untouched is shared with them.
 */
export function mergeValues(weaker: JsonValue, stronger: JsonValue): JsonValue {
  if (!isJsonObject(stronger)) return stronger;
  const merged: { [key: string]: JsonValue } = isJsonObject(weaker) ? { ...weaker } : {};
  for (const key of Object.keys(stronger)) {
    const value = stronger[key] as JsonValue;
    if (value === null) delete merged[key];
    else setMember(merged, key, mergeValues(member(merged, key) ?? null, value));
  }
  return merged;
}

/**
 * What a client receives from several layers, weakest first: the left fold of {@link mergeValues} over nothing, so that
 * no `null` of any layer survives as a value. A document of only one layer is not merged but delivered as written.
 */
export function mergeAll(values: readonly JsonValue[]): JsonValue {
  return values.length === 1 ? (values[0] as JsonValue) : values.reduce<JsonValue>((merged, value) => mergeValues(merged, value), null);
}

export interface Origin {
  /** RFC 6901 pointer of a leaf of the merged value. */
  readonly path: string;
  /** Index of the part that decides it. */
  readonly part: number;
  readonly line?: number;
  /** Weaker parts that set the same key, strongest first. */
  readonly overrides: number[];
}

/** Where each leaf of {@link mergeAll} over the parts comes from. An array is one leaf, because it is replaced whole. */
export function originsOf(parts: readonly ParsedDocument[]): Origin[] {
  const origins: Origin[] = [];
  trace([], mergeAll(parts.map((part) => part.value)), parts.map((part, index) => ({ index, value: part.value })), parts, origins);
  return origins;
}

interface Candidate {
  readonly index: number;
  readonly value: JsonValue;
}

function trace(
  path: readonly string[],
  merged: JsonValue,
  candidates: readonly Candidate[],
  parts: readonly ParsedDocument[],
  into: Origin[],
): void {
  if (isJsonObject(merged) && Object.keys(merged).length > 0) {
    for (const [key, value] of Object.entries(merged)) {
      const below: Candidate[] = [];
      for (const { index, value: object } of candidates) {
        // A part that replaces the whole object hides the weaker ones' members, whether or not it sets them itself.
        const own = isJsonObject(object) ? member(object, key) : undefined;
        if (!isJsonObject(object)) below.length = 0;
        else if (own !== undefined) below.push({ index, value: own });
      }
      trace([...path, key], value, below, parts, into);
    }
    return;
  }
  const setting = candidates.filter(({ value }) => value !== null || parts.length === 1);
  const decisive = setting.findLast(({ value }) => leafOf(value, merged)) ?? setting.at(-1);
  if (decisive === undefined) return;
  into.push({
    path: formatPointer(path),
    part: decisive.index,
    line: parts[decisive.index]?.lineOf(path),
    overrides: candidates.filter(({ index }) => index < decisive.index).map(({ index }) => index).reverse(),
  });
}

/** An empty object adds nothing to a weaker one, and objects of nulls merge to an empty one. */
function leafOf(value: JsonValue, merged: JsonValue): boolean {
  return isJsonArray(merged) || !isJsonObject(merged) ? sameValue(value, merged) : isJsonObject(value);
}
