import { canonicalJson, type JsonValue } from '@trimtab/client/protocol';

/** How an item of the new list comes about. `from` is an index into the old one. */
export type Alignment = { readonly op: 'keep'; readonly from: number; readonly to: number } | { readonly op: 'insert'; readonly to: number };

/** A table of more cells than this is not worth the time; the items are then paired by position. */
const MAX_CELLS = 250_000;

/**
 * Which old items live on in the new list, in order: the equal ones (a longest common subsequence), and between them
 * as many changed ones as both sides have. The old items that are not named are removed.
 */
export function alignLists(before: readonly JsonValue[], after: readonly JsonValue[]): Alignment[] {
  const [left, right] = [before.map(canonicalJson), after.map(canonicalJson)];
  const result: Alignment[] = [];
  let [from, to] = [0, 0];
  for (const [equalFrom, equalTo] of [...commonItems(left, right), [left.length, right.length] as const]) {
    for (; to < equalTo; to += 1) {
      if (from < equalFrom) result.push({ op: 'keep', from: from++, to });
      else result.push({ op: 'insert', to });
    }
    if (equalTo < right.length) result.push({ op: 'keep', from: equalFrom, to: equalTo });
    [from, to] = [equalFrom + 1, equalTo + 1];
  }
  return result;
}

function commonItems(left: readonly string[], right: readonly string[]): (readonly [number, number])[] {
  let start = 0;
  while (start < left.length && start < right.length && left[start] === right[start]) start += 1;
  let end = 0;
  while (end < left.length - start && end < right.length - start && left.at(-1 - end) === right.at(-1 - end)) end += 1;
  const middle = longestCommon(left.slice(start, left.length - end), right.slice(start, right.length - end));
  return [
    ...Array.from({ length: start }, (_, index) => [index, index] as const),
    ...middle.map(([from, to]) => [from + start, to + start] as const),
    ...Array.from({ length: end }, (_, index) => [left.length - end + index, right.length - end + index] as const),
  ];
}

function longestCommon(left: readonly string[], right: readonly string[]): [number, number][] {
  const width = right.length + 1;
  if (left.length * right.length > MAX_CELLS) return [];
  const lengths = new Uint32Array((left.length + 1) * width);
  const at = (from: number, to: number): number => lengths[from * width + to] as number;
  for (let from = left.length - 1; from >= 0; from -= 1) {
    for (let to = right.length - 1; to >= 0; to -= 1) {
      lengths[from * width + to] = left[from] === right[to] ? at(from + 1, to + 1) + 1 : Math.max(at(from + 1, to), at(from, to + 1));
    }
  }
  const pairs: [number, number][] = [];
  for (let from = 0, to = 0; from < left.length && to < right.length; ) {
    if (left[from] === right[to]) pairs.push([from++, to++]);
    else if (at(from + 1, to) >= at(from, to + 1)) from += 1;
    else to += 1;
  }
  return pairs;
}
