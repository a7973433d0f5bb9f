import type { JsonValue } from '@trimtab/client/protocol';
import { Composer, isAlias, isMap, isScalar, isSeq, Scalar, type Alias, type CST, type Document, type Node, type Pair, type YAMLMap, type YAMLSeq } from 'yaml';
import { checkNumber } from './check-number';
import type { DocumentLimits } from './document-type';
import { isJsonArray, isJsonObject } from './json-object';
import { DomainError } from '../kernel/domain-error';
import { duplicateKey, errorAt, LineMap, type Place } from './source-text';
import { syntaxValue, type Block, type Spot, type SyntaxEntry, type SyntaxNode } from './syntax-tree';
import { assertYamlDepth, yamlTokens } from './yaml-depth';
import { yamlSpot } from './yaml-spots';

/** Reads one YAML 1.2 document with the core schema. A document of comments only is an empty map: it sets nothing. */
export function readYaml(text: string, limits: DocumentLimits): SyntaxEntry {
  return new YamlReader(text, limits).document();
}

/** A value, with what an alias to it would cost. */
interface Read {
  readonly node: SyntaxNode;
  /** Characters when every alias below is written out. */
  readonly size: number;
  /** Levels below. */
  readonly height: number;
}

interface Anchored extends Read {
  readonly spot: Spot;
}

class YamlReader {
  private readonly lines: LineMap;
  /** `open` while the anchored value is being read, so that one that contains itself is noticed. */
  private readonly anchors = new Map<string, Anchored | 'open'>();
  private aliased = false;

  constructor(private readonly text: string, private readonly limits: DocumentLimits) {
    this.lines = new LineMap(text);
  }

  document(): SyntaxEntry {
    const document = this.compose();
    const root = document.contents;
    const whole = { start: 0, end: this.text.length, head: this.text.length, valueStart: this.text.length, valueEnd: this.text.length, block: undefined };
    if (root === null || (isScalar(root) && root.value === null && root.source === '')) {
      const body: Block = { layout: 'lines', holds: 'members', start: this.text.length, end: this.text.length, spots: [], indent: '' };
      return { path: [], spot: { ...whole, body }, node: { kind: 'map', entries: [] } };
    }
    const spot = yamlSpot(this.text, { node: root, block: undefined });
    const read = this.read(root, spot, 0);
    if (this.aliased) this.assertExpansion(read.size);
    return { path: [], spot, node: read.node };
  }

  private compose(): Document.Parsed {
    const tokens: CST.Token[] = [];
    for (const token of yamlTokens(this.text, this.limits.maxDepth, (offset) => this.lines.at(offset))) {
      if (token.type === 'error') throw errorAt('document_syntax', this.lines.at(token.offset), `${token.message}.`);
      assertYamlDepth(token, this.limits.maxDepth, (offset) => this.lines.at(offset));
      tokens.push(token);
    }
    const starts = tokens.filter((token) => token.type === 'document');
    if (starts.length > 1) throw this.multipart(starts[1] as CST.Document);
    const composer = new Composer({ schema: 'core', version: '1.2', intAsBigInt: true, keepSourceTokens: true, uniqueKeys: false, resolveKnownTags: false, prettyErrors: false });
    const [document] = composer.compose(tokens, true, this.text.length);
    const fault = document?.errors[0] ?? document?.warnings[0];
    if (document === undefined || fault !== undefined) {
      const place = this.lines.at(fault?.pos[0] ?? 0);
      const sentence = fault?.code === 'TAG_RESOLVE_FAILED' ? 'only the tags of the YAML 1.2 core schema are understood here. Remove the tag.' : `${fault?.message ?? 'this is not YAML'}.`;
      throw errorAt('document_syntax', place, sentence.replace(/\.\.$/, '.'), fault);
    }
    return document as Document.Parsed;
  }

  private multipart(second: CST.Document): DomainError {
    const place = this.lines.at(second.start.find(({ type }) => type === 'doc-start')?.offset ?? second.offset);
    return new DomainError(
      'document_multipart',
      `Line ${place.line}: a second YAML document begins here. Send one document per file, or import profiles and parts with POST /api/v1/imports.`,
      { extra: { ...place } },
    );
  }

  private read(node: Node | null, spot: Spot, depth: number): Read {
    if (node !== null && isAlias(node)) return this.alias(node, depth);
    const anchor = node === null ? undefined : (node as Scalar | YAMLMap | YAMLSeq).anchor;
    if (anchor !== undefined) this.anchors.set(anchor, 'open');
    const read = this.own(node, spot, depth);
    if (anchor !== undefined) this.anchors.set(anchor, { ...read, spot });
    return read;
  }

  private own(node: Node | null, spot: Spot, depth: number): Read {
    if (node !== null && isMap(node)) return this.map(node, spot, depth + 1);
    if (node !== null && isSeq(node)) return this.list(node, spot, depth + 1);
    return { node: { kind: 'scalar', value: this.scalar(node as Scalar | null) }, size: spot.valueEnd - spot.valueStart + 1, height: 0 };
  }

  private scalar(node: Scalar | null): JsonValue {
    const value: unknown = node?.value ?? null;
    if (value === null || typeof value === 'string' || typeof value === 'boolean') return value;
    const at = () => this.placeOf(node as Node);
    if (typeof value === 'bigint') return checkNumber(node?.source ?? String(value), Number(value), at);
    if (typeof value === 'number') return checkNumber(node?.source ?? String(value), value, at);
    throw errorAt('document_syntax', at(), 'this value has a type that JSON does not have.');
  }

  private alias(node: Alias, depth: number): Read {
    const target = this.anchors.get(node.source);
    if (target === undefined) throw errorAt('document_syntax', this.placeOf(node), `there is no anchor '${node.source}' before this alias.`);
    if (target === 'open') throw errorAt('alias_expansion', this.placeOf(node), `the alias '${node.source}' stands inside the value it refers to.`);
    this.aliased = true;
    this.assertDepth(depth + target.height, node);
    this.assertExpansion(target.size, node);
    return { ...target, node: { kind: 'scalar', value: syntaxValue(target.node), aliasOf: target.spot } };
  }

  private list(list: YAMLSeq, spot: Spot, depth: number): Read {
    this.assertDepth(depth, list);
    let [size, height] = [2, 0];
    const tokens = list.srcToken?.type === 'block-seq' || list.srcToken?.type === 'flow-collection' ? list.srcToken.items : [];
    const items = list.items.map((item, index): SyntaxEntry => {
      const child = this.childSpot(item as Node | null, spot.body, tokens[index]);
      const read = this.read(item as Node | null, child, depth);
      size += read.size;
      height = Math.max(height, read.height + 1);
      return { path: [], spot: child, node: read.node };
    });
    return { node: { kind: 'list', items }, size, height };
  }

  private map(map: YAMLMap, spot: Spot, depth: number): Read {
    this.assertDepth(depth, map);
    let [size, height] = [2, 0];
    const entries: SyntaxEntry[] = [];
    const seen = new Map<string, Spot>();
    const merges: { source: SyntaxNode; spot: Spot }[] = [];
    for (const pair of map.items as Pair<Node | null, Node | null>[]) {
      const child = this.childSpot(pair.value, spot.body, pair.srcToken);
      if (isMergeKey(pair.key)) {
        const read = this.read(pair.value, child, depth);
        size += read.size;
        height = Math.max(height, read.height);
        merges.push({ source: read.node, spot: child });
        continue;
      }
      const key = this.key(pair.key);
      const first = seen.get(key);
      if (first !== undefined) throw duplicateKey(key, this.lines.at(first.start), this.lines.at(child.start));
      seen.set(key, child);
      const read = this.read(pair.value, child, depth);
      size += read.size + key.length;
      height = Math.max(height, read.height + 1);
      entries.push({ path: [key], spot: child, node: read.node });
    }
    for (const { source, spot: at } of merges) entries.push(...this.merged(source, at, seen));
    return { node: { kind: 'map', entries }, size, height };
  }

  /** A key of the map itself wins over a merged one, and the first of several merged maps over the later ones. */
  private merged(source: SyntaxNode, spot: Spot, seen: Map<string, Spot>): SyntaxEntry[] {
    const entries: SyntaxEntry[] = [];
    for (const node of source.kind === 'list' ? source.items.map((item) => item.node) : [source]) {
      const map = syntaxValue(node);
      if (!isJsonObject(map)) throw errorAt('document_syntax', this.lines.at(spot.start), "'<<' merges a map or a list of maps. Quote the key if it is meant literally.");
      const aliasOf = node.kind === 'scalar' ? node.aliasOf : undefined;
      for (const [key, value] of Object.entries(map)) {
        if (seen.has(key)) continue;
        seen.set(key, spot);
        entries.push({ path: [key], spot: { ...spot, inherited: spot }, node: { kind: 'scalar', value, aliasOf } });
      }
    }
    return entries;
  }

  /** What was typed names the key: `1.10:` is "1.10", not the number 1.1. */
  private key(node: Node | null): string {
    if (node === null) return '';
    if (isAlias(node)) {
      const { node: target } = this.alias(node, 0);
      if (target.kind === 'scalar' && !isJsonArray(target.value) && !isJsonObject(target.value)) return String(target.value);
    }
    if (!isScalar(node)) throw errorAt('document_syntax', this.placeOf(node), 'a key must be a scalar, not a list or a map.');
    if (node.anchor !== undefined) {
      const at = yamlSpot(this.text, { node, block: undefined });
      this.anchors.set(node.anchor, { ...this.own(node, at, 0), spot: at });
    }
    return typeof node.value === 'string' ? node.value : (node.source ?? '');
  }

  private childSpot(node: Node | null, block: Block | undefined, token: CST.CollectionItem | undefined): Spot {
    const spot = yamlSpot(this.text, { node, block, token });
    if (token !== undefined) block?.spots.push(spot);
    return spot;
  }

  private assertDepth(depth: number, node: Node): void {
    if (depth > this.limits.maxDepth) throw errorAt('document_too_deep', this.placeOf(node), `nested deeper than ${this.limits.maxDepth} levels.`);
  }

  private assertExpansion(size: number, node?: Node): void {
    const { maxAliasExpansion, maxBytes } = this.limits;
    // Written out it must still be of the size of a document (sizes are estimates, hence the factor): everything that
    // merges, compares and delivers it sees it written out.
    const allowed = Math.min(Math.max(this.text.length, 1) * maxAliasExpansion, 2 * maxBytes);
    if (size <= allowed) return;
    const place = node === undefined ? { line: 1, column: 1 } : this.placeOf(node);
    throw errorAt('alias_expansion', place, `with its aliases written out the document is more than ${maxAliasExpansion} times its source, or larger than a document may be.`);
  }

  private placeOf(node: Node): Place {
    return this.lines.at(node.range?.[0] ?? 0);
  }
}

function isMergeKey(key: Node | null): boolean {
  return key !== null && isScalar(key) && key.type === Scalar.PLAIN && key.value === '<<';
}
