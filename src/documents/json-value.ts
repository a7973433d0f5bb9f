import type { JsonValue } from '@trimtab/client/protocol';
import type { DocumentLimits } from './document-type';

const QUOTE = 0x22;
const COLON = 0x3a;

/**
 * The value of a JSON source that has nothing to complain about, at the speed of `JSON.parse`. Undefined whenever the
 * slower reader is needed, to name the place of a fault: `JSON.parse` refuses bad syntax, but takes a key twice,
 * numbers that it rounds, and any depth.
 */
export function readJsonValue(text: string, { maxDepth }: DocumentLimits): JsonValue | undefined {
  let value: JsonValue;
  try {
    value = JSON.parse(text) as JsonValue;
  } catch {
    return undefined;
  }
  // A key that is written twice is there once: then there are more colons than keys.
  return countKeys(value, maxDepth) === countColons(text) ? value : undefined;
}

/** NaN, which equals nothing, when something in it must be refused. */
function countKeys(value: JsonValue, depth: number): number {
  if (typeof value === 'number') return Number.isSafeInteger(value) || !(Number.isInteger(value) || !Number.isFinite(value)) ? 0 : NaN;
  if (typeof value !== 'object' || value === null) return 0;
  if (depth <= 0) return NaN;
  let count = 0;
  if (Array.isArray(value)) {
    for (const item of value as readonly JsonValue[]) count += countKeys(item, depth - 1);
    return count;
  }
  for (const member of Object.values(value)) count += 1 + countKeys(member, depth - 1);
  return count;
}

/** Outside strings. The text is known to be JSON. */
function countColons(text: string): number {
  let count = 0;
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    if (code === COLON) count += 1;
    else if (code === QUOTE) index = endOfString(text, index);
  }
  return count;
}

function endOfString(text: string, start: number): number {
  let end = text.indexOf('"', start + 1);
  while (isEscaped(text, end)) end = text.indexOf('"', end + 1);
  return end;
}

function isEscaped(text: string, at: number): boolean {
  let backslashes = 0;
  while (text[at - 1 - backslashes] === '\\') backslashes += 1;
  return backslashes % 2 === 1;
}
