import { errorAt, LineMap, type Place } from './source-text';

export type JsonToken = 'punctuation' | 'string' | 'number' | 'word' | 'end';

const SPACE = /[ \t\n\r]*/y;
const STRING = /"[^"\\\u0000-\u001f]*(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\\u0000-\u001f]*)*"/y;
const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
const WORD = /true|false|null/y;

/** The tokens of RFC 8259, one at a time. */
export class JsonTokens {
  kind: JsonToken = 'end';
  /** The token as written. */
  raw = '';
  start = 0;
  end = 0;
  private lines: LineMap | undefined;

  constructor(private readonly text: string) {}

  next(): void {
    this.start = this.match(SPACE, this.end);
    const first = this.text[this.start];
    if (first === undefined) this.take('end', this.start);
    else if ('{}[]:,'.includes(first)) this.take('punctuation', this.start + 1);
    else if (first === '"') this.take('string', this.match(STRING, this.start));
    else if (first === '-' || (first >= '0' && first <= '9')) this.take('number', this.match(NUMBER, this.start));
    else this.take('word', this.match(WORD, this.start));
  }

  is(punctuation: string): boolean {
    return this.kind === 'punctuation' && this.raw === punctuation;
  }

  string(): string {
    // Almost no string has an escape, and then it is what stands between the quotes.
    return this.raw.includes('\\') ? (JSON.parse(this.raw) as string) : this.raw.slice(1, -1);
  }

  unexpected(expected: string): Error {
    const found = this.kind === 'end' ? 'the source ends here' : `found ${JSON.stringify(this.raw.slice(0, 20))}`;
    return errorAt('document_syntax', this.place(), `expected ${expected}, but ${found}.`);
  }

  place(offset = this.start): Place {
    this.lines ??= new LineMap(this.text);
    return this.lines.at(offset);
  }

  private take(kind: JsonToken, end: number): void {
    if (end === this.start && kind !== 'end') throw this.broken(kind);
    [this.kind, this.end, this.raw] = [kind, end, this.text.slice(this.start, end)];
  }

  private match(pattern: RegExp, from: number): number {
    pattern.lastIndex = from;
    return pattern.test(this.text) ? pattern.lastIndex : from;
  }

  private broken(kind: JsonToken): Error {
    if (kind === 'string') return this.brokenString();
    if (kind === 'number') return errorAt('document_syntax', this.place(), 'a number needs digits after its sign.');
    const found = this.text.slice(this.start, this.start + 20).split(/[\s,:{}[\]]/, 1)[0] as string;
    if (/^(?:\/\/|\/\*|#)/.test(found)) return errorAt('document_syntax', this.place(), 'JSON has no comments. Use YAML or TOML for a document with comments.');
    return errorAt('document_syntax', this.place(), `expected a value, but found ${JSON.stringify(found || this.text[this.start])}.`);
  }

  private brokenString(): Error {
    const good = /"[^"\\\u0000-\u001f]*(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\\u0000-\u001f]*)*/y;
    const fault = this.match(good, this.start);
    if (fault >= this.text.length) return errorAt('document_syntax', this.place(fault), `the source ends inside the string that begins on line ${this.place().line}.`);
    if (this.text[fault] === '\\') return errorAt('document_syntax', this.place(fault), 'this is not an escape of JSON.');
    return errorAt('document_syntax', this.place(fault), 'a line break or control character in a string must be written as an escape, or the string is not closed.');
  }
}
