import { Properties } from 'properties-file/parser';
import { errorAt } from './source-text';
import type { Block, Spot, SyntaxEntry } from './syntax-tree';

/** Reads `.properties` as Java does. Every value is a string. */
export function readProperties(text: string): SyntaxEntry {
  const starts = lineStarts(text);
  const spots: Spot[] = [];
  const block: Block = { layout: 'lines', holds: 'members', start: 0, end: text.length, spots, indent: '' };
  const entries: SyntaxEntry[] = [];
  for (const node of nodesOf(text)) {
    if (node.type !== 'property') continue;
    const start = (starts[node.startingLineNumber - 1] as number) + node.leadingWhitespace.length;
    const end = (starts[node.endingLineNumber - 1] as number) + (node.rawLines.at(-1) as string).length;
    const head = Math.min(end, start + headLength(text.slice(start, end)));
    const valueStart = Math.min(end, head + (/^[ \t\f]*/.exec(text.slice(head, end)) as RegExpExecArray)[0].length);
    const spot: Spot = { start, end, head, valueStart, valueEnd: end, block };
    spots.push(spot);
    entries.push({ path: [node.key], spot, node: { kind: 'scalar', value: node.value } });
  }
  const whole: Spot = { start: 0, end: text.length, head: 0, valueStart: 0, valueEnd: text.length, block: undefined, body: block };
  return { path: [], spot: whole, node: { kind: 'map', entries } };
}

function nodesOf(text: string): Properties['nodes'] {
  try {
    return new Properties(text).nodes;
  } catch (cause) {
    throw syntaxError(text, cause);
  }
}

/** The library names no place for its only error, a broken \u escape; it is the first line that fails on its own. */
function syntaxError(text: string, cause: unknown): Error {
  const index = /(?<!\\)(?:\\\\)*\\u(?![0-9A-Fa-f]{4})/.exec(withoutComments(text))?.index ?? 0;
  const before = text.slice(0, index);
  const place = { line: before.split(/\r\n|\r|\n/).length, column: index - Math.max(before.lastIndexOf('\n'), before.lastIndexOf('\r')) };
  return errorAt('document_syntax', place, 'a \\u escape needs four hexadecimal digits.', cause);
}

/** Same length, so that offsets stay right. */
function withoutComments(text: string): string {
  return text.replace(/^[ \t\f]*[#!].*$/gm, (comment) => ' '.repeat(comment.length));
}

/** The key, its separator and nothing of the value: up to an unescaped `=` or `:`, or the white space in their place. */
function headLength(entry: string): number {
  return (/^(?:\\(?:\r\n|[^])|[^=: \t\f\r\n\\])*(?:(?:[ \t\f]|\\(?:\r\n|[\r\n]))*[=:])?/.exec(entry) as RegExpExecArray)[0].length;
}

/** Java ends a line at \n, \r or \r\n, and so does the library's line numbering. */
function lineStarts(text: string): number[] {
  const starts = [0];
  for (const match of text.matchAll(/\r\n|\r|\n/g)) starts.push(match.index + match[0].length);
  return starts;
}
