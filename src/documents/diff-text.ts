import { createTwoFilesPatch } from 'diff';

/** A unified diff with three lines of context; empty when there is no difference. */
export function diffText(before: string, after: string, names: { readonly before: string; readonly after: string }): string {
  if (before === after) return '';
  // Comparing two large documents without a line in common is quadratic; past the limit they are told as replaced.
  return (
    createTwoFilesPatch(names.before, names.after, before, after, '', '', { context: 3, maxEditLength: 5000 }) ??
    replaced(before, after, names)
  );
}

function replaced(before: string, after: string, names: { readonly before: string; readonly after: string }): string {
  return createTwoFilesPatch(names.before, names.after, before, '', '', '').concat(
    createTwoFilesPatch(names.before, names.after, '', after, '', ''),
  );
}
