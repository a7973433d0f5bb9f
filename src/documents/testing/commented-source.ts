import type { JsonValue } from '@trimtab/client/protocol';
import fc from 'fast-check';
import type { Format, Path } from '../document-type';
import { isJsonArray, isJsonObject, objectOf, type JsonObject } from '../json-object';

type Choose = fc.GeneratorValue;

/** A comment, and what has to live on for it to live on: the entry it follows on its line, or the map it stands in. */
export interface WrittenComment {
  readonly text: string;
  readonly path: Path;
  readonly trailing: boolean;
}

export interface CommentedSource {
  readonly source: string;
  readonly comments: readonly WrittenComment[];
}

const KEYS = ['a', 'b', 'c', 'port', 'log-level', 'x_y', '__proto__', 'constructor', 'prototype', 'toString', '0', 'yes'];
const WORDS = ['', 'text', 'two words', "it's", 'say "hi"', '# no comment', 'a: b', '- item', '{brace}', 'true', '12', '1.50', '~', 'ümlaut', '日本', 'line\nbreak\n', ' padded ', '\\back', 'http://host:80/x?y=z#f', '*star', '&amp', '!bang', '%', '@at', '`tick', 'tab\there', 'null', '=', ','];

export function chooseKey(g: Choose): string {
  return g(fc.constantFrom, ...KEYS);
}

/** A value that `format` can hold. */
export function chooseValue(g: Choose, format: Format, depth: number): JsonValue {
  const kinds = format === 'properties' ? ['string', 'map'] : ['string', 'string', 'number', 'boolean', 'map', 'map', 'list', ...(format === 'toml' ? [] : ['null'])];
  const kind = g(fc.constantFrom, ...kinds);
  if (kind === 'map' && depth > 0) return chooseMap(g, format, depth - 1);
  if (kind === 'list' && depth > 0) return Array.from({ length: g(fc.nat, { max: 4 }) }, () => chooseValue(g, format, depth - 1));
  if (kind === 'number') return g(fc.constantFrom, 0, 1, -7, 8080, 0.5, 1e-7, -2.25e10, Number.MAX_SAFE_INTEGER);
  if (kind === 'boolean') return g(fc.boolean);
  if (kind === 'null') return null;
  return g(fc.constantFrom, ...WORDS);
}

export function chooseMap(g: Choose, format: Format, depth: number): JsonObject {
  const least = format === 'properties' ? 1 : 0;
  const size = g(fc.integer, { min: least, max: 4 });
  return objectOf(Array.from({ length: size }, () => [chooseKey(g), chooseValue(g, format, depth)] as const));
}

/** Writes a value as a person might: with comments, blank lines, and every style the format allows. */
export function writeCommented(g: Choose, format: Format, value: JsonObject): CommentedSource {
  return new Writer(g, g(fc.constantFrom, '\n', '\n', '\r\n')).write(format, value);
}

class Writer {
  private readonly lines: string[] = [];
  private readonly comments: WrittenComment[] = [];

  constructor(private readonly g: Choose, private readonly eol: string) {}

  write(format: Format, value: JsonObject): CommentedSource {
    if (format === 'json') this.lines.push(this.json(value));
    if (format === 'yaml') this.yamlMap(value, '', []);
    if (format === 'toml') this.tomlTable(value, []);
    if (format === 'properties') this.properties(value, []);
    if (format !== 'json') this.comment([], '');
    return { source: this.lines.join(this.eol) + (this.sometimes() ? this.eol : ''), comments: this.comments };
  }

  private sometimes(): boolean {
    return this.g(fc.nat, { max: 2 }) === 0;
  }

  private pick<T>(...options: T[]): T {
    return this.g(fc.constantFrom, ...options) as T;
  }

  private comment(path: Path, indent: string): void {
    if (this.sometimes()) this.lines.push('');
    if (!this.sometimes()) return;
    const text = `# comment ${this.comments.length} of it`;
    this.comments.push({ text, path, trailing: false });
    this.lines.push(indent + text);
  }

  private trailing(path: Path): string {
    if (!this.sometimes()) return '';
    const text = `# after ${this.comments.length} of it`;
    this.comments.push({ text, path, trailing: true });
    return `${this.pick(' ', '   ')}${text}`;
  }

  private space(): string {
    return this.pick('', '', ' ', `${this.eol}  `);
  }

  private json(value: JsonValue): string {
    const list = (open: string, close: string, parts: string[]) => `${open}${this.space()}${parts.join(`${this.space()},${this.space()}`)}${this.space()}${close}`;
    if (isJsonArray(value)) return list('[', ']', value.map((item) => this.json(item)));
    if (!isJsonObject(value)) return JSON.stringify(value);
    return list('{', '}', Object.entries(value).map(([key, child]) => `${JSON.stringify(key)}${this.space()}:${this.space()}${this.json(child)}`));
  }

  private yamlMap(map: JsonObject, indent: string, path: Path, first = indent): void {
    const step = this.pick('  ', '  ', '    ', ' ');
    let lead = first;
    for (const [key, value] of Object.entries(map)) {
      if (lead === indent) this.comment(path, indent);
      const start = `${lead}${this.yamlKey(key)}:`;
      lead = indent;
      this.yamlEntry(start, value, indent, step, [...path, key]);
    }
  }

  private yamlList(list: readonly JsonValue[], indent: string, path: Path): void {
    list.forEach((value, index) => {
      this.comment(path, indent);
      const here = [...path, String(index)];
      if (isJsonObject(value) && Object.keys(value).length > 0 && this.sometimes()) this.yamlMap(value, `${indent}  `, here, `${indent}- `);
      else this.yamlEntry(`${indent}-`, value, indent, '  ', here);
    });
  }

  private yamlEntry(start: string, value: JsonValue, indent: string, step: string, path: Path): void {
    const block = typeof value === 'object' && value !== null && Object.keys(value).length > 0 && !this.sometimes();
    if (block) {
      this.lines.push(start + this.trailing(path));
      if (isJsonArray(value)) this.yamlList(value, indent + step, path);
      else this.yamlMap(value as JsonObject, indent + step, path);
    } else if (typeof value === 'string' && /^[^\s].*\n[^\s].*\n$/.test(value) && this.sometimes()) {
      this.lines.push(`${start} |`, ...value.slice(0, -1).split('\n').map((line) => `${indent}  ${line}`));
    } else if (value === null && this.sometimes()) {
      this.lines.push(start + this.trailing(path));
    } else {
      this.lines.push(`${start} ${this.yamlFlow(value)}${this.trailing(path)}`);
    }
  }

  private yamlKey(key: string): string {
    return this.pick(key === 'yes' || key === '0' ? `'${key}'` : key, JSON.stringify(key));
  }

  private yamlFlow(value: JsonValue): string {
    const gap = this.pick('', ' ');
    if (isJsonArray(value)) return `[${gap}${value.map((item) => this.yamlFlow(item)).join(`,${gap}`)}${gap}]`;
    if (isJsonObject(value)) return `{${gap}${Object.entries(value).map(([key, child]) => `${this.yamlKey(key)}: ${this.yamlFlow(child)}`).join(`,${gap}`)}${gap}}`;
    if (typeof value !== 'string') return JSON.stringify(value);
    if (/^[a-z]+(?: [a-z]+)?$/.test(value) && !/^(?:true|null)$/.test(value)) return this.pick(value, JSON.stringify(value), `'${value}'`);
    return this.pick(JSON.stringify(value), /[\n\t]/.test(value) ? JSON.stringify(value) : `'${value.replaceAll("'", "''")}'`);
  }

  /** Plain entries first: after a header, an entry would belong to it. */
  private tomlTable(table: JsonObject, path: Path): void {
    const later: (() => void)[] = [];
    for (const [key, value] of Object.entries(table)) {
      const here = [...path, key];
      const style = this.pick('inline', 'header', 'header', 'dotted');
      const tables = isJsonArray(value) && value.length > 0 && value.every((item) => isJsonObject(item));
      if (isJsonObject(value) && style === 'header') later.push(() => this.tomlSection(`[${tomlKey(here)}]`, value, here));
      else if (tables && style === 'header') later.push(() => value.forEach((item, index) => this.tomlItem(item as JsonObject, here, index)));
      else this.tomlEntry([key], value, path, style);
    }
    for (const write of later) write();
  }

  private tomlSection(header: string, value: JsonObject, path: Path): void {
    this.comment([], '');
    this.lines.push(header + this.trailing(path));
    this.tomlTable(value, path);
  }

  private tomlItem(item: JsonObject, path: Path, index: number): void {
    this.lines.push(`[[${tomlKey(path)}]]${this.trailing([...path, String(index)])}`);
    for (const [key, value] of Object.entries(item)) this.tomlEntry([key], value, [...path, String(index)], 'inline');
  }

  private tomlEntry(keys: Path, value: JsonValue, path: Path, style: string): void {
    if (isJsonObject(value) && style === 'dotted' && Object.keys(value).length > 0) {
      for (const [key, child] of Object.entries(value)) this.tomlEntry([...keys, key], child, path, style);
      return;
    }
    this.comment(path, '');
    const equals = this.pick(' = ', '=', '  =  ');
    if (isJsonArray(value) && value.length > 0 && this.sometimes()) {
      this.lines.push(`${tomlKey(keys)}${equals}[`, ...value.map((item) => `  ${this.tomlInline(item)},${this.trailing([...path, ...keys, 'item'])}`), ']');
      return;
    }
    this.lines.push(`${this.pick('', '', '  ')}${tomlKey(keys)}${equals}${this.tomlInline(value)}${this.trailing([...path, ...keys])}`);
  }

  private tomlInline(value: JsonValue): string {
    if (isJsonArray(value)) return `[${value.map((item) => this.tomlInline(item)).join(', ')}]`;
    if (isJsonObject(value)) return `{ ${Object.entries(value).map(([key, child]) => `${tomlKey([key])} = ${this.tomlInline(child)}`).join(', ')} }`;
    if (typeof value === 'string' && /^[^'\x00-\x1f]*$/.test(value)) return this.pick(JSON.stringify(value), `'${value}'`);
    return JSON.stringify(value);
  }

  private properties(map: JsonObject, path: Path): void {
    for (const [key, value] of Object.entries(map)) {
      const here = [...path, key];
      if (isJsonObject(value)) {
        this.properties(value, here);
        continue;
      }
      this.comment([], '');
      const separator = this.pick('=', ' = ', ': ', ' ');
      const text = String(value).replace(/[\\\n\r\t]/g, (character) => JSON.stringify(character).slice(1, -1));
      const safe = separator === ' ' ? text.replace(/^[=: ]/, '\\$&') : text.replace(/^ /, '\\ ');
      const folded = /^[a-z]+ /.test(safe) && this.sometimes() ? safe.replace(' ', ` \\${this.eol}    `) : safe;
      this.lines.push(`${this.pick('', '', '  ')}${here.join('.')}${separator}${folded}`);
    }
  }
}

function tomlKey(path: Path): string {
  return path.map((key) => (/^[A-Za-z0-9_-]+$/.test(key) ? key : JSON.stringify(key))).join('.');
}
