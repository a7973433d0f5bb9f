import { createTwoFilesPatch } from 'diff';

/** Comparing two large documents without a line in common takes quadratic time; past this they are told as replaced. */
const MAX_EDITS = 2000;

/** A unified diff with three lines of context; empty when there is no difference. */
export function diffText(before: string, after: string, names: { readonly before: string; readonly after: string }): string {
  if (before === after) return '';
  return (
    createTwoFilesPatch(names.before, names.after, before, after, '', '', { context: 3, maxEditLength: MAX_EDITS }) ??
    replaced(before, after, names)
  );
}

function replaced(before: string, after: string, names: { readonly before: string; readonly after: string }): string {
  const [removed, added] = [marked('-', before), marked('+', after)];
  const range = (lines: readonly string[]): string => (lines.length === 0 ? '0,0' : `1,${lines.filter((line) => line[0] !== '\\').length}`);
  return [`--- ${names.before}`, `+++ ${names.after}`, `@@ -${range(removed)} +${range(added)} @@`, ...removed, ...added, ''].join('\n');
}

function marked(mark: string, text: string): string[] {
  if (text === '') return [];
  const lines = (text.endsWith('\n') ? text.slice(0, -1) : text).split('\n').map((line) => mark + line);
  return text.endsWith('\n') ? lines : [...lines, '\\ No newline at end of file'];
}
