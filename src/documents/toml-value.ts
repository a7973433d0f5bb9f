import type { JsonValue } from '@trimtab/client/protocol';
import { parse } from 'smol-toml';
import type { DocumentLimits } from './document-type';
import { objectOf } from './json-object';

/**
 * The value of a TOML source that has nothing to complain about, ten times as fast as with the places of its keys.
 * Undefined whenever the slower reader is needed: to name the place of a fault, or for the text of a date.
 */
export function readTomlValue(text: string, { maxDepth }: DocumentLimits): JsonValue | undefined {
  let table: unknown;
  try {
    table = parse(text, { integersAsBigInt: 'asNeeded', maxDepth });
  } catch {
    return undefined;
  }
  const value = toJson(table, maxDepth);
  return value === UNFIT ? undefined : value;
}

const UNFIT = Symbol('unfit');

function toJson(value: unknown, depth: number): JsonValue | typeof UNFIT {
  if (typeof value === 'string' || typeof value === 'boolean') return value;
  if (typeof value === 'number') return Number.isFinite(value) && (Number.isSafeInteger(value) || !Number.isInteger(value)) ? value : UNFIT;
  if (typeof value !== 'object' || value === null || value instanceof Date || depth <= 0) return UNFIT;
  if (Array.isArray(value)) {
    const items = value.map((item) => toJson(item, depth - 1));
    return items.includes(UNFIT) ? UNFIT : (items as JsonValue[]);
  }
  const entries: [string, JsonValue][] = [];
  for (const [key, member] of Object.entries(value)) {
    const child = toJson(member, depth - 1);
    if (child === UNFIT) return UNFIT;
    entries.push([key, child]);
  }
  return objectOf(entries);
}
