import type { JsonValue } from '@trimtab/client/protocol';
import { alignLists } from './align-lists';
import { BlockEdit } from './block-edit';
import type { Path } from './document-type';
import { splitKey } from './dotted-keys';
import { isJsonArray, isJsonObject, member, objectOf, sameValue, type JsonObject } from './json-object';
import { valueOf, type Located, type LocatedList, type LocatedMap } from './located';
import type { Page, Pen } from './pen';
import type { Splice } from './splice';
import type { Block, Spot } from './syntax-tree';
import { writeTomlItem, writeTomlTable } from './write-toml';

export interface RewriteOptions {
  /** Below this depth, what changed is written anew as a whole. */
  readonly depth: number;
  /** TOML: new tables get a header of their own instead of being written inline. */
  readonly sections: boolean;
  readonly dotted: boolean;
}

/** The syntax offers no place for the change; the caller tries a coarser way. */
export class CannotPlace extends Error {
  /** `inside`: the values that must be closed for the rest of the change to be made. None when that would not help. */
  constructor(readonly inside: readonly Located[] = []) {
    super();
  }
}

interface Step {
  readonly node: Located;
  readonly key: string;
}

/**
 * Plans the smallest change of a source that turns its value into another: walks both together, and wherever they
 * differ lets the pen write into the block that holds the entry.
 */
export class SourceRewriter {
  private readonly edits = new Map<Block, BlockEdit>();
  private readonly owners = new Map<Block, Spot>();
  private readonly splices: Splice[] = [];
  private readonly refused = new Set<Located>();

  constructor(
    private readonly page: Page,
    private readonly pen: Pen,
    private readonly options: RewriteOptions,
    /** YAML: anchored values that change, so that every alias to them must be written out. */
    private readonly expand: ReadonlySet<Spot> = new Set(),
    /** Values that offer no place for a change inside them, so that they are written anew as a whole. */
    private readonly closed: ReadonlySet<Located> = new Set(),
  ) {}

  plan(root: Located, value: JsonValue): Splice[] {
    this.findOwners(root);
    this.rewrite(root, value, []);
    if (this.refused.size > 0) throw new CannotPlace([...this.refused]);
    this.removeEmptied();
    // Where several blocks end at one place, what is added to the inner ones comes first.
    const inside = [...this.edits].sort(([left], [right]) => right.start - left.start);
    for (const [block, edit] of inside) if (!this.isGone(block)) this.splices.push(...edit.splices());
    return this.splices;
  }

  private rewrite(node: Located, value: JsonValue, trail: readonly Step[]): void {
    if (this.expand.size === 0 ? sameValue(valueOf(node), value) : !this.mustChange(node, value)) return;
    const open = trail.length < this.options.depth && !this.closed.has(node) && !node.spots.some((spot) => spot.inherited !== undefined);
    if (open && node.kind === 'map' && isJsonObject(value) && this.canOpen(node, value)) this.rewriteMap(node, value, trail);
    else if (open && node.kind === 'list' && isJsonArray(value) && this.canOpen(node, value)) this.rewriteList(node, value, trail);
    else this.replace(node, value, trail);
  }

  private mustChange(node: Located, value: JsonValue): boolean {
    if (!sameValue(valueOf(node), value)) return true;
    if (node.kind === 'scalar') return node.aliasOf !== undefined && this.expand.has(node.aliasOf);
    return childrenOf(node).some(([, child]) => this.mustChange(child, valueOf(child)));
  }

  /** Whether the change can be made inside: every child has a place of its own, and something stays to stand beside. */
  private canOpen(node: LocatedMap | LocatedList, value: JsonObject | readonly JsonValue[]): boolean {
    const children = childrenOf(node);
    if (children.some(([, { spots }]) => spots.some((spot) => spot.block === undefined || node.spots.includes(spot)))) return false;
    const root = node.spots.some(({ block, body }) => block === undefined && body?.layout === 'lines' && body.holds === 'members');
    if (root || node.spots.some(({ section, body }) => section === true && body !== undefined)) return true;
    if (node.kind === 'list') return children.length > 0 && (value as readonly JsonValue[]).length > 0;
    if (node.spots.length === 0) return Object.keys(value).length > 0;
    return children.some(([key]) => member(value as JsonObject, key) !== undefined);
  }

  private rewriteMap(node: LocatedMap, wanted: JsonObject, trail: readonly Step[]): void {
    const value = this.options.dotted ? besideLeaves(node, wanted) : wanted;
    const unmerged = this.mergesToWriteOut(node, value);
    for (const [key, child] of node.members) {
      const after = member(value, key);
      const inherited = child.spots[0]?.inherited;
      if (inherited !== undefined) {
        const write = after !== undefined && (unmerged.has(inherited) || !sameValue(valueOf(child), after));
        if (write) this.add([...trail, { node, key }], after);
      } else if (after === undefined) {
        this.remove(child);
      } else {
        this.rewrite(child, after, [...trail, { node, key }]);
      }
    }
    for (const spot of unmerged) this.editOf(spot.block as Block).removed.add(spot);
    for (const [key, after] of Object.entries(value)) {
      if (!node.members.has(key)) this.add([...trail, { node, key }], after);
    }
  }

  /** A merge key has to go when one of its keys does, or when what it merges changes. */
  private mergesToWriteOut(node: LocatedMap, value: JsonObject): Set<Spot> {
    const spots = new Set<Spot>();
    for (const [key, child] of node.members) {
      const inherited = child.spots[0]?.inherited;
      if (inherited === undefined) continue;
      const changes = child.kind === 'scalar' && child.aliasOf !== undefined && this.expand.has(child.aliasOf);
      if (changes || member(value, key) === undefined) spots.add(inherited);
    }
    return spots;
  }

  private rewriteList(node: LocatedList, value: readonly JsonValue[], trail: readonly Step[]): void {
    const before = node.items.map(valueOf);
    const kept = new Set<number>();
    let previous: Located | undefined;
    for (const step of alignLists(before, value)) {
      const after = value[step.to] as JsonValue;
      if (step.op === 'keep') {
        previous = node.items[step.from] as Located;
        kept.add(step.from);
        this.rewrite(previous, after, [...trail, { node, key: String(step.from) }]);
      } else {
        this.insert(node, after, previous, [...trail, { node, key: String(step.to) }]);
      }
    }
    node.items.forEach((item, index) => {
      if (!kept.has(index)) this.remove(item);
    });
  }

  private insert(node: LocatedList, value: JsonValue, previous: Located | undefined, trail: readonly Step[]): void {
    const path = trail.map(({ key }) => key);
    const block = node.spots[0]?.body;
    if (block !== undefined) {
      this.editOf(block).add(this.pen.item(value, block, path), previous?.spots[0]);
      return;
    }
    // An array of tables: the new one goes after all that belongs to the one before it, and the first one before all.
    const first = node.items[0]?.spots[0];
    const headers = first?.block?.spots ?? [];
    const after = previous === undefined ? headers[headers.indexOf(first as Spot) - 1] : lastSpot(previous);
    if (!this.options.sections || after?.block === undefined || !isJsonObject(value)) {
      this.refuse(trail);
      return;
    }
    const keys = path.slice(0, -1).filter((_, index) => trail[index]?.node.kind === 'map');
    this.addSection(after.block, writeTomlItem(keys, value), after);
  }

  private replace(node: Located, value: JsonValue, trail: readonly Step[]): void {
    const parent = trail.at(-1)?.node;
    if (node.spots.some((spot) => parent?.spots.includes(spot) === true && spot.section !== true)) {
      this.refuse(trail);
      return;
    }
    const single = node.kind === 'scalar' ? node.spots.length > 0 : node.spots.length === 1;
    const flat = this.pen.flat && isJsonObject(value);
    if (single && !flat && node.spots.every((spot) => spot.section !== true && spot.inherited === undefined && contains(spot, node))) {
      const path = trail.map(({ key }) => key);
      for (const spot of node.spots) this.splices.push(...this.pen.replace(spot, value, path));
      return;
    }
    if (parent?.kind !== 'map') {
      this.refuse(trail);
      return;
    }
    this.remove(node);
    this.add(trail, value);
  }

  /** Only the value around the change has to be written anew, and not all else that changes. */
  private refuse(trail: readonly Step[]): void {
    const around = trail.at(-1)?.node;
    if (around === undefined || trail.length === 1 || this.pen.flat) throw new CannotPlace();
    this.refused.add(around);
  }

  private remove(node: Located): void {
    for (const spot of node.spots) {
      if (spot.inherited === undefined && spot.block !== undefined) this.editOf(spot.block).removed.add(spot);
    }
    for (const [, child] of childrenOf(node)) this.remove(child);
  }

  /** Adds the key of the last step to the innermost map on the trail that has a text of its own. */
  private add(trail: readonly Step[], value: JsonValue): void {
    const path = trail.map(({ key }) => key);
    if (this.pen.flat && isJsonObject(value) && Object.keys(value).length > 0) {
      const implied: LocatedMap = { kind: 'map', members: new Map(), spots: [] };
      for (const [key, after] of Object.entries(value)) this.add([...trail, { node: implied, key }], after);
      return;
    }
    for (let index = trail.length - 1; index >= 0; index -= 1) {
      const { node } = trail[index] as Step;
      if (node.kind === 'list') break;
      const holder = node.spots.findLast(({ body, inherited }) => body?.holds === 'members' && inherited === undefined);
      if (holder?.body === undefined) continue;
      const keys = path.slice(index);
      if (keys.length > 1 && !this.pen.joinsKeys && !this.options.dotted) break;
      if (this.addTable(trail, holder.body, value)) return;
      const near = index + 1 < trail.length ? lastIn(trail[index + 1]?.node, holder.body) : undefined;
      this.editOf(holder.body).add(this.pen.member(keys, value, holder.body, path), near);
      return;
    }
    this.refuse(trail);
  }

  private addTable(trail: readonly Step[], body: Block, value: JsonValue): boolean {
    const tables = this.sectionsBlock(trail);
    if (!this.options.sections || tables === undefined || body.layout !== 'lines' || !isJsonObject(value) || Object.keys(value).length === 0) return false;
    this.addSection(tables, writeTomlTable(trail.map(({ key }) => key), value), tables.spots.at(-1));
    return true;
  }

  /** The block of a TOML file's headers; not for what is in a list, whose items a header cannot name. */
  private sectionsBlock(trail: readonly Step[]): Block | undefined {
    if (!this.pen.sections || trail.some(({ node }) => node.kind === 'list')) return undefined;
    const [root] = trail;
    for (const [, child] of root === undefined ? [] : childrenOf(root.node)) {
      const section = firstSection(child);
      if (section !== undefined) return section.block;
    }
    return undefined;
  }

  private addSection(block: Block, lines: readonly string[], after: Spot | undefined): void {
    const { eol } = this.page;
    this.editOf(block).add(eol + lines.join(eol), after);
  }

  /** A block may lose its last entry although its map goes on elsewhere; then what held the block goes too. */
  private removeEmptied(): void {
    for (let again = true; again; ) {
      again = false;
      for (const [block, edit] of [...this.edits]) {
        const owner = this.owners.get(block);
        if (!edit.empties || owner?.block === undefined || owner.section === true || this.editOf(owner.block).removed.has(owner)) continue;
        this.editOf(owner.block).removed.add(owner);
        again = true;
      }
    }
  }

  /** Whether the block stands inside an entry that is removed as a whole. */
  private isGone(block: Block): boolean {
    for (let owner = this.owners.get(block); owner?.block !== undefined; owner = this.owners.get(owner.block)) {
      if (this.edits.get(owner.block)?.removed.has(owner) === true) return true;
    }
    return false;
  }

  private findOwners(node: Located): void {
    for (const spot of node.spots) if (spot.body !== undefined) this.owners.set(spot.body, spot);
    for (const [, child] of childrenOf(node)) this.findOwners(child);
  }

  private editOf(block: Block): BlockEdit {
    let edit = this.edits.get(block);
    if (edit === undefined) this.edits.set(block, (edit = new BlockEdit(this.page.text, block, this.page.eol)));
    return edit;
  }
}

function childrenOf(node: Located): (readonly [string, Located])[] {
  if (node.kind === 'map') return [...node.members];
  return node.kind === 'list' ? node.items.map((item, index) => [String(index), item] as const) : [];
}

/** Whether all that the value consists of is written at this one place. */
function contains(spot: Spot, node: Located): boolean {
  return childrenOf(node).every(([, child]) => child.spots.every((inner) => spot.start <= inner.start && inner.end <= spot.end) && contains(spot, child));
}

/** The last place of anything that belongs to a value. */
function lastSpot(node: Located): Spot | undefined {
  const spots = [...node.spots, ...childrenOf(node).map(([, child]) => lastSpot(child))].filter((spot) => spot !== undefined);
  return spots.reduce<Spot | undefined>((last, spot) => (last === undefined || spot.end >= last.end ? spot : last), undefined);
}

/** The last entry of a block that belongs to a value: a new one beside it stands where a reader looks for it. */
function lastIn(node: Located | undefined, block: Block): Spot | undefined {
  if (node === undefined) return undefined;
  const spots = [...node.spots.filter((spot) => spot.block === block), ...childrenOf(node).map(([, child]) => lastIn(child, block))];
  return spots.reduce((last, spot) => (last === undefined || (spot !== undefined && spot.end >= last.end) ? spot : last), undefined);
}

function firstSection(node: Located): Spot | undefined {
  const own = node.spots.find(({ section }) => section === true);
  if (own !== undefined) return own;
  for (const [, child] of childrenOf(node)) {
    const section = firstSection(child);
    if (section !== undefined) return section;
  }
  return undefined;
}

/**
 * A key below a leaf is written `example.web` beside it. When the leaf goes, its value nests; it is still the entry
 * with that key, so the wanted value is brought into the form that the entries have.
 */
function besideLeaves(node: LocatedMap, wanted: JsonObject): JsonObject {
  let value = wanted;
  for (const key of node.members.keys()) {
    const levels = splitKey(key);
    if (levels.length === 1 || Object.hasOwn(value, key)) continue;
    const nested = at(value, levels);
    if (nested !== undefined) value = objectOf([...Object.entries(without(value, levels)), [key, nested]]);
  }
  return value;
}

function at(value: JsonObject, path: Path): JsonValue | undefined {
  let inner: JsonValue | undefined = value;
  for (const key of path) inner = isJsonObject(inner) ? member(inner, key) : undefined;
  return inner;
}

/** Maps that are empty afterwards go too. */
function without(value: JsonObject, [key, ...rest]: Path): JsonObject {
  const members = new Map(Object.entries(value));
  const inner = members.get(key as string);
  const left = rest.length > 0 && isJsonObject(inner) ? without(inner, rest) : {};
  if (Object.keys(left).length === 0) members.delete(key as string);
  else members.set(key as string, left);
  return objectOf(members);
}
