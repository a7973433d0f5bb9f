/** A table whose cells from `firstNumber` on are aligned to the right, but for the last. */
export function markdown(head, lines, firstNumber) {
  const rule = head.map((_, index) => (index >= firstNumber && index < head.length - 1 ? '--:' : '---'));
  return [head, rule, ...lines].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

export function shown(value) {
  if (value === null) return '–';
  return Math.abs(value) >= 1_000 ? Math.round(value).toLocaleString('en-US') : String(Number(value.toPrecision(3)));
}
