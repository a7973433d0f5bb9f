import { errorAt, type Place } from './source-text';

/**
 * A number must come out of a client as it went in: an integer beyond 2^53 would be rounded and is refused, and so are
 * infinities and NaN, which JSON does not have. A fraction is what every reader makes of it: the nearest double.
 */
export function checkNumber(literal: string, value: number, at: () => Place): number {
  if (!Number.isFinite(value)) {
    throw errorAt('value_not_representable', at(), `${shorten(literal)} is not a finite number. Write it as a string if it is meant as text.`);
  }
  if (Number.isInteger(value) && !Number.isSafeInteger(value) && !denotes(literal, value)) {
    throw errorAt('number_out_of_range', at(), `${shorten(literal)} is outside ±9007199254740991 and would be rounded. Write it as a string.`);
  }
  return value;
}

/** 1e20 is exact by its own notation; plain digits of that size are refused even where one happens to be a double. */
function denotes(literal: string, value: number): boolean {
  const match = /^[+-]?([0-9]*)\.?([0-9]*)e([+-]?[0-9]+)$/i.exec(literal.replaceAll('_', ''));
  if (match === null) return false;
  const digits = `${match[1]}${match[2]}`.replace(/^0+/, '').replace(/0+$/, '');
  const shortest = Math.abs(value).toExponential().replace(/e.*$/, '').replace('.', '');
  return digits === shortest;
}

function shorten(literal: string): string {
  return literal.length > 40 ? `${literal.slice(0, 37)}…` : literal;
}
