import { Lexer } from 'yaml';
import { withoutMark } from './source-text';

export interface YamlPart {
  readonly source: string;
  /** 1-based line of the part's first line in the whole file. */
  readonly line: number;
}

/**
 * Splits a file at its `---` and `...` markers. Comments stay with the part they stand in, which is the one before a
 * marker even where they were meant for the one after it. Parts without a value (an empty file, a marker at the end)
 * are left out.
 */
export function splitYaml(source: string): YamlPart[] {
  const text = withoutMark(source);
  const parts: YamlPart[] = [];
  let [offset, start, line, hasValue] = [0, 0, 1, false];
  const close = (end: number, next: number): void => {
    if (hasValue) parts.push({ source: text.slice(start, end), line });
    line += text.slice(start, next).split('\n').length - 1;
    [start, hasValue] = [next, false];
  };
  for (const token of new Lexer().lex(text)) {
    if (token === DOCUMENT || token === FLOW_END || token === SCALAR) {
      if (token === SCALAR) hasValue = true;
      continue;
    }
    if (token === '---' || token === '...') {
      const next = offset + token.length;
      close(offset, afterLineBreak(text, next));
    } else if (!/^[\s#]/.test(token)) {
      hasValue = true;
    }
    offset += token.length;
  }
  close(text.length, text.length);
  return parts;
}

const DOCUMENT = '\u0002';
const FLOW_END = '\u0018';
const SCALAR = '\u001F';

/** A value may follow `---` on its line; then the part begins right there. */
function afterLineBreak(text: string, offset: number): number {
  const rest = /^[ \t]*\r?\n/.exec(text.slice(offset, offset + 4096));
  return rest === null ? offset : offset + rest[0].length;
}
