/** Where an instance stands in every list, and the key of its cursor: service, environment, id, connection, replica. */
export type OrderKey = readonly [string, string, string, string, string];

/** As `COLLATE "C"` of Postgres sorts them. */
export function compareKeys(a: OrderKey, b: OrderKey): number {
  for (const [index, part] of a.entries()) {
    const order = compareText(part, b[index] as string);
    if (order !== 0) return order;
  }
  return 0;
}

/** By code point, where JavaScript would compare halves of surrogate pairs. */
export function compareText(a: string, b: string): number {
  if (a === b) return 0;
  const length = Math.min(a.length, b.length);
  for (let index = 0; index < length; index += 1) {
    const one = a.charCodeAt(index);
    const other = b.charCodeAt(index);
    if (one !== other) return rank(one) - rank(other);
  }
  return a.length - b.length;
}

/** Surrogates stand for what comes after every other unit. */
function rank(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x1_0000 : unit;
}

/** The `count` smallest, in order, without sorting all the others. */
export function smallest<T>(items: Iterable<T>, count: number, compare: (a: T, b: T) => number): T[] {
  const kept: T[] = [];
  let bound: T | undefined;
  for (const item of items) {
    if (bound !== undefined && compare(item, bound) >= 0) continue;
    kept.push(item);
    if (kept.length < 2 * count) continue;
    kept.sort(compare);
    kept.length = count;
    bound = kept[count - 1];
  }
  return kept.sort(compare).slice(0, count);
}
