import { isAlias, isCollection, isMap, isScalar, Scalar, type CST, type Node, type Pair, type YAMLMap, type YAMLSeq } from 'yaml';
import { lineStart } from './splice';
import type { Block, Spot } from './syntax-tree';

interface SpotInput {
  readonly node: Node | null;
  readonly block: Block | undefined;
  readonly token?: CST.CollectionItem;
}

/** Where a value, its key and its entries stand, from the tokens the parser keeps beside the nodes. */
export function yamlSpot(text: string, { node, block, token }: SpotInput): Spot {
  const [rangeStart, rangeEnd] = node?.range ?? [undefined, undefined];
  const start = token === undefined ? (rangeStart ?? 0) : entryStart(token, rangeStart);
  const head = token === undefined ? start : (headOf(token, block) ?? rangeStart ?? start);
  const empty = node === null || rangeStart === undefined || rangeStart === rangeEnd;
  const valueStart = empty ? head : rangeStart;
  const valueEnd = empty ? head : nodeEnd(text, node);
  return { start, end: Math.max(valueEnd, head), head, valueStart, valueEnd, block, body: bodyOf(text, node, valueEnd) };
}

const BLANK = new Set(['space', 'newline', 'comment', 'comma']);

function entryStart(token: CST.CollectionItem, fallback: number | undefined): number {
  const first = token.start.find(({ type }) => !BLANK.has(type));
  return first?.offset ?? token.key?.offset ?? token.sep?.[0]?.offset ?? fallback ?? 0;
}

/** After the indicator and after the anchor and tag of the value, which stay when the value is replaced. */
function headOf(token: CST.CollectionItem, block: Block | undefined): number | undefined {
  const before = block?.holds === 'items' ? token.start : (token.sep ?? []);
  const marks = before.filter(({ type }) => type === 'map-value-ind' || type === 'seq-item-ind' || type === 'anchor' || type === 'tag');
  const last = marks.at(-1);
  if (last !== undefined) return last.offset + last.source.length;
  return token.key === undefined || token.key === null || !('source' in token.key) ? undefined : token.key.offset + token.key.source.length;
}

function nodeEnd(text: string, node: Node): number {
  const [start, end] = node.range as [number, number, number];
  if (!isCollection(node) || node.flow) {
    const block = isScalar(node) && (node.type === Scalar.BLOCK_LITERAL || node.type === Scalar.BLOCK_FOLDED);
    return block ? start + text.slice(start, end).trimEnd().length : end;
  }
  const last = node.items.at(-1);
  if (last === undefined) return end;
  if (!isMap(node)) {
    const token = (node as YAMLSeq).srcToken;
    const marks = token?.type === 'block-seq' ? token.items.at(-1)?.start : undefined;
    return written(last as Node) ? nodeEnd(text, last as Node) : marksEnd(marks, start);
  }
  const { value, srcToken } = last as Pair<Node, Node | null>;
  if (value !== null && written(value)) return nodeEnd(text, value);
  const key = (last as Pair<Node>).key;
  return marksEnd(srcToken?.sep, written(key) ? nodeEnd(text, key) : start);
}

function written(node: Node | null): node is Node {
  return node !== null && (isAlias(node) || isCollection(node) || node.range?.[0] !== node.range?.[1]);
}

function marksEnd(tokens: readonly CST.SourceToken[] | undefined, fallback: number): number {
  const last = tokens?.findLast(({ type }) => !BLANK.has(type));
  return last === undefined ? fallback : last.offset + last.source.length;
}

function bodyOf(text: string, node: Node | null, end: number): Block | undefined {
  if (node === null || !isCollection(node)) return undefined;
  const token = (node as YAMLMap | YAMLSeq).srcToken;
  const holds = isMap(node) ? 'members' : 'items';
  const start = node.range?.[0] ?? 0;
  if (token?.type === 'flow-collection') {
    return { layout: 'delimited', holds, start: start + 1, end: end - 1, spots: [], indent: '' };
  }
  // A pair between the brackets of a list (`[a: 1]`) is a map without a text of its own that could be extended.
  if (token?.type !== 'block-map' && token?.type !== 'block-seq') return undefined;
  const first = token.items[0] === undefined ? start : entryStart(token.items[0], start);
  return { layout: 'lines', holds, start: first, end, spots: [], indent: ' '.repeat(first - lineStart(text, first)) };
}
