import type { JsonValue } from '@trimtab/client/protocol';
import { AST, ParseError, parseTOML } from 'toml-eslint-parser';
import { checkNumber } from './check-number';
import type { DocumentLimits } from './document-type';
import { duplicateKey, errorAt, LineMap } from './source-text';
import { lineStart } from './splice';
import { firstDefinition } from './toml-duplicates';
import type { Block, Spot, SyntaxEntry, SyntaxMap, SyntaxNode } from './syntax-tree';

/** Reads TOML 1.1. Dates and times become their RFC 3339 text, since JSON has no type for them. */
export function readToml(text: string, limits: DocumentLimits): SyntaxEntry {
  return new TomlReader(text, limits).document();
}

interface OpenMap extends SyntaxMap {
  readonly entries: SyntaxEntry[];
}

class TomlReader {
  private readonly lines: LineMap;

  constructor(private readonly text: string, private readonly limits: DocumentLimits) {
    this.lines = new LineMap(text);
  }

  document(): SyntaxEntry {
    const top = this.parse().body[0];
    const root: OpenMap = { kind: 'map', entries: [] };
    const firstTable = top.body.find((node) => node.type === 'TOMLTable');
    const body = this.linesBlock(0, firstTable === undefined ? this.text.length : firstTable.range[0], '');
    const tables = this.linesBlock(0, this.text.length, '');
    const arrays = new Map<string, { items: SyntaxEntry[]; last: OpenMap }>();
    for (const node of top.body) {
      if (node.type === 'TOMLKeyValue') root.entries.push(this.keyValue(node, body, 0));
      else this.table(node, root, tables, arrays);
    }
    const spot: Spot = { start: 0, end: this.text.length, head: 0, valueStart: 0, valueEnd: this.text.length, block: undefined, body };
    return { path: [], spot, node: root };
  }

  /**
   * Adds a `[table]` to the map it belongs to: the root, or the last item of the array of tables it extends, whose
   * index the parser has resolved. All headers stand in one block, that of the file.
   */
  private table(table: AST.TOMLTable, root: OpenMap, tables: Block, arrays: Map<string, { items: SyntaxEntry[]; last: OpenMap }>): void {
    this.assertDepth(table.resolvedKey.length + 1, table.range[0]);
    const bracket = table.kind === 'array' ? 2 : 1;
    const headerEnd = this.text.indexOf(']', table.key.range[1]) + bracket;
    const end = table.body.at(-1)?.range[1] ?? headerEnd;
    const indent = this.indentOf(table.body[0]?.range[0] ?? table.range[0]);
    const body = this.linesBlock(headerEnd, end, indent);
    const spot: Spot = { start: table.range[0], end, head: headerEnd, valueStart: headerEnd, valueEnd: end, block: tables, body, section: true };
    tables.spots.push(spot);
    const entries = table.body.map((node) => this.keyValue(node, body, table.resolvedKey.length));
    const node: OpenMap = { kind: 'map', entries };

    let [owner, from] = [root, 0];
    const path = table.resolvedKey;
    const own = table.kind === 'array' ? path.length - 1 : path.length;
    for (let index = 1; index < own; index += 1) {
      const array = typeof path[index] === 'number' ? arrays.get(JSON.stringify(path.slice(0, index + 1))) : undefined;
      if (array !== undefined) [owner, from] = [array.last, index + 1];
    }
    const relative = path.slice(from, own) as string[];
    if (table.kind === 'standard') {
      owner.entries.push({ path: relative, spot, node });
      return;
    }
    const items = this.arrayOf(path, arrays) ?? this.newArray(owner, relative, spot);
    items.push({ path: [], spot, node });
    arrays.set(JSON.stringify(path), { items, last: node });
  }

  private arrayOf(path: readonly (string | number)[], arrays: Map<string, { items: SyntaxEntry[] }>): SyntaxEntry[] | undefined {
    const previous = Number(path.at(-1)) - 1;
    return previous < 0 ? undefined : arrays.get(JSON.stringify([...path.slice(0, -1), previous]))?.items;
  }

  private newArray(owner: OpenMap, path: readonly string[], first: Spot): SyntaxEntry[] {
    const items: SyntaxEntry[] = [];
    // The list itself is written nowhere; its spot only says where it begins.
    const spot: Spot = { ...first, body: undefined };
    owner.entries.push({ path, spot, node: { kind: 'list', items } });
    return items;
  }

  private keyValue(node: AST.TOMLKeyValue, block: Block, depth: number): SyntaxEntry {
    const path = node.key.keys.map((key) => (key.type === 'TOMLBare' ? key.name : key.value));
    const head = this.text.indexOf('=', node.key.range[1]) + 1;
    return this.entry(path, node.value, block, { start: node.range[0], head, depth: depth + path.length });
  }

  private entry(path: readonly string[], content: AST.TOMLContentNode, block: Block, at: { start: number; head: number; depth: number }): SyntaxEntry {
    this.assertDepth(content.type === 'TOMLValue' ? at.depth : at.depth + 1, at.start);
    const [valueStart, end] = content.range;
    const body = content.type === 'TOMLValue' ? undefined : this.delimited(content);
    const spot: Spot = { start: at.start, end, head: at.head, valueStart, valueEnd: end, block, body };
    block.spots.push(spot);
    return { path, spot, node: this.content(content, body, at.depth) };
  }

  private content(content: AST.TOMLContentNode, body: Block | undefined, depth: number): SyntaxNode {
    if (content.type === 'TOMLValue') return { kind: 'scalar', value: this.scalar(content) };
    if (content.type === 'TOMLArray') {
      const items = content.elements.map((item) => this.entry([], item, body as Block, { start: item.range[0], head: item.range[0], depth: depth + 1 }));
      return { kind: 'list', items };
    }
    return { kind: 'map', entries: content.body.map((node) => this.keyValue(node, body as Block, depth)) };
  }

  private scalar(node: AST.TOMLValue): JsonValue {
    const at = () => this.lines.at(node.range[0]);
    switch (node.kind) {
      case 'integer':
        return checkNumber(node.number, Number(node.bigint), at);
      case 'float':
        return checkNumber(node.number, node.value, at);
      case 'string':
      case 'boolean':
        return node.value;
      default:
        return dateText(this.text.slice(...node.range));
    }
  }

  private delimited(node: AST.TOMLArray | AST.TOMLInlineTable): Block {
    const [start, end] = node.range;
    return { layout: 'delimited', holds: node.type === 'TOMLArray' ? 'items' : 'members', start: start + 1, end: end - 1, spots: [], indent: '' };
  }

  private linesBlock(start: number, end: number, indent: string): Block {
    return { layout: 'lines', holds: 'members', start, end, spots: [], indent };
  }

  private indentOf(offset: number): string {
    return (/^[ \t]*/.exec(this.text.slice(lineStart(this.text, offset), offset)) as RegExpExecArray)[0];
  }

  private assertDepth(depth: number, offset: number): void {
    if (depth > this.limits.maxDepth) throw errorAt('document_too_deep', this.lines.at(offset), `nested deeper than ${this.limits.maxDepth} levels.`);
  }

  private parse(): AST.TOMLProgram {
    try {
      // The parser takes a lone 0 that ends the source to be empty, so nothing ends the source but a line break.
      return parseTOML(this.text.endsWith('\n') ? this.text : `${this.text}\n`);
    } catch (cause) {
      if (cause instanceof RangeError) throw errorAt('document_too_deep', { line: 1, column: 1 }, `nested deeper than ${this.limits.maxDepth} levels.`, cause);
      if (!(cause instanceof ParseError)) throw cause;
      const place = { line: cause.lineNumber, column: cause.column + 1 };
      if (cause.message.startsWith('Defining a key multiple times')) throw this.duplicate(cause.index, cause);
      throw errorAt('document_syntax', place, `${cause.message}.`, cause);
    }
  }

  private duplicate(index: number, cause: unknown): Error {
    const place = this.lines.at(index);
    const first = firstDefinition(this.text, index);
    if (first !== undefined) return duplicateKey(first.key, this.lines.at(first.offset), place);
    return errorAt('duplicate_key', place, 'this key is set a second time. Remove one of the two.', cause);
  }
}

/** RFC 3339 has a `T`, a capital `Z` and seconds, all of which TOML lets a person leave out. */
function dateText(literal: string): string {
  const [, date = '', time = '', zone = ''] = /^(\d{4}-\d\d-\d\d)?[Tt ]?([\d:.]*)(.*)$/.exec(literal) ?? [];
  const full = time.length === 5 ? `${time}:00` : time;
  return `${date}${date !== '' && full !== '' ? 'T' : ''}${full}${zone.toUpperCase()}`;
}
