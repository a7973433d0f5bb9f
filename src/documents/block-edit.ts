import { isBlank, lineEnd, lineStart, nextLine, type Splice } from './splice';
import type { Block, Spot } from './syntax-tree';

/** What is to happen to the entries of one block; turned into splices when all of it is known. */
export class BlockEdit {
  readonly removed = new Set<Spot>();
  private readonly added: { readonly after: Spot | undefined; readonly text: string }[] = [];

  constructor(private readonly text: string, private readonly block: Block, private readonly eol: string) {}

  /** Without a spot to follow, a new entry becomes the first one of a list and the last one of a map. */
  add(entry: string, after: Spot | undefined): void {
    this.added.push({ after, text: entry });
  }

  get empties(): boolean {
    return this.added.length === 0 && this.block.spots.every((spot) => this.removed.has(spot));
  }

  get survivors(): Spot[] {
    return this.block.spots.filter((spot) => !this.removed.has(spot));
  }

  splices(): Splice[] {
    return this.block.layout === 'lines' ? this.lineSplices() : this.delimitedSplices();
  }

  private lineSplices(): Splice[] {
    const { text } = this;
    const splices: Splice[] = [];
    let skipTo = 0;
    for (const spot of this.block.spots) {
      if (!this.removed.has(spot) || spot.start < skipTo) continue;
      const start = lineStart(text, spot.start);
      if (isBlank(text.slice(start, spot.start))) {
        splices.push({ start: spot.section === true ? this.beforeBlankLines(start) : start, end: nextLine(text, spot.end), text: '' });
        continue;
      }
      // The first key of a map shares its line with the dash of a list; the next one takes its place there.
      const next = this.survivors.find((other) => other.start > spot.start);
      const end = lineEnd(text, spot.end);
      if (next !== undefined && !text.slice(end, next.start).includes('#')) {
        splices.push({ start: spot.start, end: next.start, text: '' });
        skipTo = next.start;
      } else {
        splices.push({ start: spot.start - (text[spot.start - 1] === ' ' ? 1 : 0), end, text: '' });
      }
    }
    for (const { after, text: entry } of this.added) splices.push(this.newLine(entry, after));
    return splices;
  }

  private newLine(entry: string, after: Spot | undefined): Splice {
    const { text, block, eol } = this;
    const { survivors } = this;
    const first = survivors[0];
    if (after === undefined && block.holds === 'items' && first !== undefined) {
      // An insertion in front of the first item keeps the comments above that item with it only if it goes above them.
      return { start: first.start, end: first.start, text: `${entry}${eol}${block.indent}` };
    }
    const anchor = after !== undefined && !this.removed.has(after) ? after : (after === undefined ? survivors.at(-1) : survivors.findLast(({ start }) => start < after.start));
    if (anchor !== undefined) {
      // After the line break, so that the line before may itself be removed from a block further in.
      const at = nextLine(text, anchor.end);
      if (text[at - 1] !== '\n') return { start: at, end: at, text: `${eol}${block.indent}${entry}` };
      return { start: at, end: at, text: `${block.indent}${entry}${eol}` };
    }
    const at = this.emptyPlace();
    const broken = at === 0 || text[at - 1] === '\n';
    return { start: at, end: at, text: `${broken ? '' : eol}${block.indent}${entry}${broken ? eol : ''}` };
  }

  /** The blank lines above a table separate it from the one before; they go with it. */
  private beforeBlankLines(offset: number): number {
    let start = offset;
    while (start > 0 && isBlank(this.text.slice(lineStart(this.text, start - 1), start))) start = lineStart(this.text, start - 1);
    return start;
  }

  /** Where the first entry of a block without any goes. */
  private emptyPlace(): number {
    const { text, block } = this;
    const [first] = block.spots;
    if (first !== undefined) return first.section === true ? this.beforeBlankLines(lineStart(text, first.start)) : lineStart(text, first.start);
    if (block.start > 0) return lineEnd(text, block.start);
    // The head of a TOML file: before the first table and the comments that belong to it.
    let at = block.end >= text.length ? text.length : lineStart(text, block.end);
    while (block.end < text.length && at > 0 && /^[ \t]*#/.test(text.slice(lineStart(text, at - 1), at))) at = lineStart(text, at - 1);
    return block.end < text.length ? this.beforeBlankLines(at) : at;
  }

  private delimitedSplices(): Splice[] {
    const { text, block } = this;
    const inside = text.slice(block.start, block.end);
    if (this.survivors.length === 0) return [{ start: block.start, end: block.end, text: this.added.map(({ text: entry }) => entry).join(', ') }];
    const commented = block.spots.some((spot, index) => text.slice(spot.end, block.spots[index + 1]?.start ?? block.end).includes('#')) ||
      text.slice(block.start, block.spots[0]?.start).includes('#');
    const removals = commented && inside.includes('\n') ? this.removeLines() : this.removeBetweenCommas();
    return [...this.added.flatMap(({ after, text: entry }) => this.newItem(entry, after, inside)), ...removals];
  }

  private removeBetweenCommas(): Splice[] {
    const { spots } = this.block;
    const kept = spots.findIndex((spot) => !this.removed.has(spot));
    return spots.flatMap((spot, index): Splice[] => {
      if (!this.removed.has(spot)) return [];
      if (index < kept) return [{ start: spot.start, end: (spots[index + 1] as Spot).start, text: '' }];
      return [{ start: (spots[index - 1] as Spot).end, end: spot.end, text: '' }];
    });
  }

  /** Where comments stand between the items, an item goes with its line, and the comma before it may stay. */
  private removeLines(): Splice[] {
    const { text } = this;
    return [...this.removed].map((spot) => {
      const start = lineStart(text, spot.start);
      const whole = isBlank(text.slice(start, spot.start)) && /^[ \t]*(?:,[ \t]*)?(?:#.*)?\r?$/.test(text.slice(spot.end, text.indexOf('\n', spot.end)));
      if (whole) return { start, end: nextLine(text, spot.end), text: '' };
      const comma = /^\s*,[ \t]*/.exec(text.slice(spot.end, this.block.end));
      return { start: spot.start, end: spot.end + (comma?.[0].length ?? 0), text: '' };
    });
  }

  private newItem(entry: string, after: Spot | undefined, inside: string): Splice[] {
    const { text, block } = this;
    const { survivors } = this;
    const separator = this.separator(inside);
    const anchor = after !== undefined && !this.removed.has(after) ? after : survivors.findLast(({ start }) => after !== undefined && start < after.start);
    const last = anchor ?? (block.holds === 'members' ? survivors.at(-1) : undefined);
    if (last === undefined) {
      const first = survivors[0] as Spot;
      return [{ start: first.start, end: first.start, text: `${entry},${separator}` }];
    }
    const end = lineEnd(text, last.end);
    const rest = end <= block.end ? text.slice(last.end, end) : '';
    const comment = /^[ \t]*(?:(,)[ \t]*)?#/.exec(rest);
    if (comment === null) return [{ start: last.end, end: last.end, text: `,${separator}${entry}` }];
    // Past the comment at the end of the line, with the comma before it.
    if (comment[1] === ',') return [{ start: end, end, text: `${separator}${entry},` }];
    return [
      { start: last.end, end: last.end, text: ',' },
      { start: end, end, text: `${separator}${entry}` },
    ];
  }

  /** What stands between two entries, after the comma. */
  private separator(inside: string): string {
    const { text, block, eol } = this;
    const [first, second] = block.spots;
    if (first !== undefined && text.slice(block.start, first.start).includes('\n')) {
      return `${eol}${text.slice(lineStart(text, first.start), first.start)}`;
    }
    if (first !== undefined && second !== undefined) {
      const gap = /^\s*,(\s*)$/.exec(text.slice(first.end, second.start));
      if (gap !== null) return gap[1] as string;
    }
    return inside.includes(' ') ? ' ' : '';
  }
}
