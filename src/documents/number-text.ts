/**
 * The shortest decimal that reads back as the same number. A whole number beyond the safe range is written with an
 * exponent: as plain digits it would be refused as one that may have been rounded.
 */
export function numberText(value: number): string {
  if (Number.isInteger(value) && !Number.isSafeInteger(value)) return value.toExponential().replace('e+', 'e');
  return String(value);
}
