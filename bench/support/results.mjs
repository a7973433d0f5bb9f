import { median, noise } from './statistics.mjs';

/**
 * One row of the results: a figure of ours beside its limit, both medians of their repetitions. `ratio` is ours to the
 * limit; `aim` is the least it should be when more is better, the most it should be when less is. Without an aim the
 * figure is for information.
 */
export function result({ name, unit, values, limits, aim = null, more = false }) {
  const value = median(values);
  const limit = limits === undefined ? null : median(limits);
  const ratio = limit === null || limit === 0 ? null : value / limit;
  const met = aim === null || ratio === null ? null : more ? ratio >= aim : ratio <= aim;
  return {
    row: { name, unit, value: rounded(value), limit: rounded(limit), ratio: rounded(ratio), aim, met },
    more,
    noise: [noise(values), limits === undefined ? 0 : noise(limits)],
  };
}

/** A figure whose limit is a number somebody has set. */
export function against(fixed, { values, ...rest }) {
  return result({ ...rest, values, limits: [fixed] });
}

const COLUMNS = ['figure', 'unit', 'value', 'limit', 'ratio', 'aim', ''];

/** The results as a table for people. */
export function table(results) {
  const lines = results.map(({ row: { name, unit, value, limit, ratio, aim, met }, more, noise: [ours, theirs] }) => [
    name,
    unit,
    `${shown(value)} ${spread(ours)}`,
    limit === null ? '–' : `${shown(limit)} ${spread(theirs)}`,
    ratio === null ? '–' : ratio.toFixed(2),
    aim === null ? '–' : `${more ? '≥' : '≤'} ${aim}`,
    met === null ? '' : met ? 'met' : 'MISSED',
  ]);
  const widths = COLUMNS.map((column, index) => Math.max(column.length, ...lines.map((line) => line[index].length)));
  const format = (line) => line.map((cell, index) => (index >= 2 && index <= 5 ? cell.padStart(widths[index]) : cell.padEnd(widths[index]))).join('  ').trimEnd();
  return [COLUMNS, ...lines].map(format).join('\n');
}

function spread(noise) {
  return noise === 0 ? '      ' : `±${(noise * 100).toFixed(0).padStart(3)} %`;
}

function shown(value) {
  return Math.abs(value) >= 1_000 ? Math.round(value).toLocaleString('en-US') : String(Number(value.toPrecision(3)));
}

function rounded(value) {
  return value === null ? null : Number(value.toPrecision(4));
}
