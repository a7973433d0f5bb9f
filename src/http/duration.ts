const DURATION = /^(\d{1,9})(ms|s|m|h|d)?$/;
const UNITS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** `30s`, `500ms`, `1m`, `24h`, `7d`, or seconds without a unit. Undefined for anything else. */
export function millisecondsOf(text: string): number | undefined {
  const match = DURATION.exec(text);
  return match === null ? undefined : Number(match[1]) * UNITS[(match[2] ?? 's') as keyof typeof UNITS];
}
