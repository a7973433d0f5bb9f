/**
 * The one text of a JSON value, as Postgres writes `jsonb`: members by the length of their name in bytes and then by its
 * bytes, `, ` and `: ` between, numbers without an exponent.
 */
export function jsonText(value: unknown): string {
  if (typeof value === 'number') return numberText(value);
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(jsonText).join(', ')}]`;
  const members = Object.entries(value).sort(([a], [b]) => compareNames(a, b));
  return `{${members.map(([name, member]) => `${JSON.stringify(name)}: ${jsonText(member)}`).join(', ')}}`;
}

function compareNames(a: string, b: string): number {
  const longer = Buffer.byteLength(a) - Buffer.byteLength(b);
  return longer === 0 ? Buffer.compare(Buffer.from(a), Buffer.from(b)) : longer;
}

function numberText(value: number): string {
  const [mantissa = '', exponent] = (Object.is(value, -0) ? '0' : String(value)).split('e');
  if (exponent === undefined) return mantissa;
  const [, sign = '', whole = '', fraction = ''] = /^(-?)(\d)\.?(\d*)$/.exec(mantissa) ?? [];
  const digits = whole + fraction;
  const point = 1 + Number(exponent);
  return point <= 0 ? `${sign}0.${'0'.repeat(-point)}${digits}` : `${sign}${digits.padEnd(point, '0')}`;
}
