/** pg returns bigint as text; our ids stay far below 2^53, so a number is exact and easier to compare. */
export const bigintAsNumber = {
  to: (value: number | null | undefined): number | null | undefined => value,
  from: (value: string | null): number | null => (value === null ? null : Number(value)),
};
