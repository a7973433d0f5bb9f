import type { JsonValue } from '@trimtab/client/protocol';
import { checkNumber } from './check-number';
import type { DocumentLimits } from './document-type';
import { JsonTokens } from './json-tokens';
import { duplicateKey, errorAt } from './source-text';
import type { Block, Spot, SyntaxEntry, SyntaxNode } from './syntax-tree';

/** Reads RFC 8259 strictly: no comments, no trailing commas, no key twice, no number that would be rounded. */
export function readJson(text: string, limits: DocumentLimits): SyntaxEntry {
  return new JsonReader(new JsonTokens(text), limits).document();
}

interface Read {
  readonly node: SyntaxNode;
  readonly end: number;
  readonly body?: Block;
}

class JsonReader {
  constructor(private readonly tokens: JsonTokens, private readonly limits: DocumentLimits) {}

  document(): SyntaxEntry {
    this.tokens.next();
    const entry = this.entry([], undefined, this.tokens.start, 0);
    if (this.tokens.kind !== 'end') throw this.tokens.unexpected('the end of the document');
    return entry;
  }

  private entry(path: readonly string[], block: Block | undefined, start: number, depth: number): SyntaxEntry {
    const valueStart = this.tokens.start;
    const { node, end, body } = this.value(depth);
    const spot: Spot = { start, end, head: valueStart, valueStart, valueEnd: end, block, body };
    block?.spots.push(spot);
    return { path, spot, node };
  }

  private value(depth: number): Read {
    const { tokens } = this;
    if (tokens.is('{')) return this.members(depth + 1);
    if (tokens.is('[')) return this.items(depth + 1);
    if (tokens.kind === 'string') return this.scalar(tokens.string());
    if (tokens.kind === 'number') return this.scalar(checkNumber(tokens.raw, Number(tokens.raw), () => tokens.place()));
    if (tokens.kind === 'word') return this.scalar(tokens.raw === 'null' ? null : tokens.raw === 'true');
    throw tokens.unexpected('a value');
  }

  private scalar(value: JsonValue): Read {
    const { end } = this.tokens;
    this.tokens.next();
    return { node: { kind: 'scalar', value }, end };
  }

  private members(depth: number): Read {
    const { tokens } = this;
    const entries: SyntaxEntry[] = [];
    const seen = new Map<string, number>();
    const { end, body } = this.delimited(depth, '}', 'members', (block) => {
      if (tokens.kind !== 'string') throw tokens.unexpected('a key in double quotes');
      const [key, { start }] = [tokens.string(), tokens];
      const first = seen.get(key);
      if (first !== undefined) throw duplicateKey(key, tokens.place(first), tokens.place(start));
      seen.set(key, start);
      tokens.next();
      if (!tokens.is(':')) throw tokens.unexpected("':'");
      tokens.next();
      entries.push(this.entry([key], block, start, depth));
    });
    return { node: { kind: 'map', entries }, end, body };
  }

  private items(depth: number): Read {
    const items: SyntaxEntry[] = [];
    const { end, body } = this.delimited(depth, ']', 'items', (block) => {
      items.push(this.entry([], block, this.tokens.start, depth));
    });
    return { node: { kind: 'list', items }, end, body };
  }

  private delimited(depth: number, close: string, holds: Block['holds'], readOne: (block: Block) => void): { end: number; body: Block } {
    const { tokens } = this;
    if (depth > this.limits.maxDepth) throw errorAt('document_too_deep', tokens.place(), `nested deeper than ${this.limits.maxDepth} levels.`);
    const body = { layout: 'delimited' as const, holds, start: tokens.end, end: tokens.end, spots: [], indent: '' };
    tokens.next();
    while (!tokens.is(close)) {
      readOne(body);
      if (tokens.is(close)) break;
      if (!tokens.is(',')) throw tokens.unexpected(`',' or '${close}'`);
      tokens.next();
      if (tokens.is(close)) throw tokens.unexpected('another entry after the comma');
    }
    body.end = tokens.start;
    tokens.next();
    return { end: body.end + 1, body };
  }
}
