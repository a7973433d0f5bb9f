import type { JsonValue } from '@trimtab/client/protocol';
import { splitKey } from './dotted-keys';
import type { KeyStyle } from './document-type';
import { isJsonArray, isJsonObject, objectOf, sameValue } from './json-object';
import { duplicateKey, errorAt, LineMap } from './source-text';
import type { Spot, SyntaxEntry, SyntaxMap, SyntaxNode, SyntaxScalar } from './syntax-tree';

/**
 * The values of a document as its readers see them, each with the places where it is written: one as a rule, none for
 * a level that only dotted keys imply, several for a map that is written in pieces.
 */
export type Located = LocatedScalar | LocatedList | LocatedMap;

interface Placed {
  readonly spots: Spot[];
}

export interface LocatedScalar extends Placed {
  readonly kind: 'scalar';
  readonly value: JsonValue;
  /** YAML: where the anchored value is written that this one refers to. */
  readonly aliasOf?: Spot;
}

export interface LocatedList extends Placed {
  readonly kind: 'list';
  readonly items: readonly Located[];
}

export interface LocatedMap extends Placed {
  readonly kind: 'map';
  readonly members: Map<string, Located>;
}

export function valueOf(node: Located): JsonValue {
  if (node.kind === 'scalar') return node.value;
  if (node.kind === 'list') return node.items.map(valueOf);
  return objectOf(Array.from(node.members, ([key, member]) => [key, valueOf(member)] as const));
}

/**
 * Brings every way of writing a path together. Where one path is a leaf and also leads to others, as in
 * `logging.level.com.example=DEBUG` beside `logging.level.com.example.web=TRACE`, both are kept: what goes on below
 * the leaf stays a dotted key beside it, whichever of them is written first.
 */
export function locate(root: SyntaxEntry, keys: KeyStyle, lines: () => LineMap, maxDepth: number): Located {
  return new Locator(keys, lines, maxDepth).locate(root.node, [root.spot]);
}

/** A value or map at its full path, before it is known which of its levels are leaves. */
interface Place {
  readonly path: readonly string[];
  readonly node: SyntaxNode;
  readonly spot: Spot;
}

class Locator {
  constructor(private readonly keys: KeyStyle, private readonly lines: () => LineMap, private readonly maxDepth: number) {}

  locate(node: SyntaxNode, spots: Spot[]): Located {
    if (node.kind === 'scalar') {
      const opened = this.keys === 'dotted' ? opaqueMembers(node, spots[0] as Spot) : undefined;
      return opened === undefined ? { kind: 'scalar', value: node.value, aliasOf: node.aliasOf, spots } : this.locate(opened, spots);
    }
    if (node.kind === 'list') {
      return { kind: 'list', items: node.items.map((item) => this.locate(item.node, [item.spot])), spots };
    }
    const places: Place[] = [];
    this.flatten(node, [], places);
    return this.grow(places, spots);
  }

  private flatten(map: SyntaxMap, prefix: readonly string[], into: Place[]): void {
    for (const { path: written, node, spot } of map.entries) {
      const path = [...prefix, ...(this.keys === 'dotted' ? written.flatMap(splitKey) : written)];
      if (path.length > this.maxDepth) throw errorAt('document_too_deep', this.placeOf(spot), `nested deeper than ${this.maxDepth} levels.`);
      const opened = this.keys === 'dotted' && node.kind === 'scalar' ? opaqueMembers(node, spot) : undefined;
      const inner = opened ?? node;
      into.push({ path, node: inner, spot });
      if (inner.kind === 'map') this.flatten(inner, path, into);
    }
  }

  private grow(places: readonly Place[], spots: Spot[]): LocatedMap {
    const root: LocatedMap = { kind: 'map', members: new Map(), spots };
    const ends = this.keys === 'dotted' ? leafPaths(places) : undefined;
    for (const leaf of places) {
      if (leaf.node.kind === 'map') {
        const covered = ends !== undefined && leafAbove(leaf.path, ends, true) !== undefined;
        if (!covered) descend(root, leaf.path).spots.push(leaf.spot);
        continue;
      }
      const cut = ends === undefined ? undefined : leafAbove(leaf.path, ends, false);
      const path = cut === undefined ? leaf.path : [...leaf.path.slice(0, cut - 1), leaf.path.slice(cut - 1).join('.')];
      const owner = descend(root, path.slice(0, -1));
      const key = path.at(-1) as string;
      const located = this.locate(leaf.node, [leaf.spot]);
      const first = owner.members.get(key);
      if (first === undefined) owner.members.set(key, located);
      else if (sameValue(valueOf(first), valueOf(located))) first.spots.push(leaf.spot);
      else throw duplicateKey(leaf.path.join('.'), this.placeOf(first.spots[0]), this.placeOf(leaf.spot));
    }
    return root;
  }

  private placeOf(spot: Spot | undefined): { line: number; column: number } {
    return this.lines().at(spot?.start ?? 0);
  }
}

/** An object behind an alias has no places of its own: its members are all where the alias is. */
function opaqueMembers({ value, aliasOf }: SyntaxScalar, spot: Spot): SyntaxMap | undefined {
  if (!isJsonObject(value)) return undefined;
  const entries = Object.entries(value).map(([key, member]) => ({ path: [key], spot, node: { kind: 'scalar', value: member, aliasOf } as const }));
  return { kind: 'map', entries };
}

interface PathTree {
  leaf: boolean;
  readonly below: Map<string, PathTree>;
}

function leafPaths(places: readonly Place[]): PathTree {
  const root: PathTree = { leaf: false, below: new Map() };
  for (const { path, node } of places) {
    if (node.kind === 'map') continue;
    let tree = root;
    for (const key of path) {
      let next = tree.below.get(key);
      if (next === undefined) tree.below.set(key, (next = { leaf: false, below: new Map() }));
      tree = next;
    }
    tree.leaf = true;
  }
  return root;
}

/** How many levels down the first leaf on the way is, if there is one before (or, inclusively, at) the end. */
function leafAbove(path: readonly string[], root: PathTree, inclusive: boolean): number | undefined {
  let tree: PathTree | undefined = root;
  for (let index = 0; index < path.length - (inclusive ? 0 : 1); index += 1) {
    tree = tree?.below.get(path[index] as string);
    if (tree === undefined) return undefined;
    if (tree.leaf) return index + 1;
  }
  return undefined;
}

function descend(root: LocatedMap, path: readonly string[]): LocatedMap {
  let map = root;
  for (const key of path) {
    let next = map.members.get(key);
    if (next === undefined) map.members.set(key, (next = { kind: 'map', members: new Map(), spots: [] }));
    map = next as LocatedMap;
  }
  return map;
}

/** The value that the same keys would have in a document whose dots separate levels. */
export function normalizeDotted(value: JsonValue, maxDepth: number): JsonValue {
  const nowhere: Spot = { start: 0, end: 0, head: 0, valueStart: 0, valueEnd: 0, block: undefined };
  return valueOf(locate({ path: [], spot: nowhere, node: syntaxOf(value, nowhere) }, 'dotted', () => new LineMap(''), maxDepth));
}

function syntaxOf(value: JsonValue, spot: Spot): SyntaxNode {
  if (isJsonArray(value)) return { kind: 'list', items: value.map((item) => ({ path: [], spot, node: syntaxOf(item, spot) })) };
  return { kind: 'scalar', value };
}
