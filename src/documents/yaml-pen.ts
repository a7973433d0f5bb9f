import type { JsonValue } from '@trimtab/client/protocol';
import type { Path } from './document-type';
import type { Page, Pen } from './pen';
import { lineEnd, lineStart, type Splice } from './splice';
import type { Block, Spot } from './syntax-tree';
import type { Layout } from './write-json';
import { writeYamlBlock, writeYamlFlow, writeYamlKey, writeYamlMember, writeYamlValue, type Quoting } from './write-yaml';

export class YamlPen implements Pen {
  readonly joinsKeys = false;
  readonly flat = false;
  readonly sections = false;

  constructor(private readonly page: Page) {}

  replace(spot: Spot, value: JsonValue): Splice[] {
    if (spot.block === undefined) return this.replaceRoot(spot, value);
    const { text } = this.page;
    const quoting = this.quotingOf(spot);
    if (spot.block.layout === 'delimited') {
      const lead = spot.valueStart === spot.head && spot.block.holds === 'members' ? ' ' : '';
      return [{ start: spot.valueStart, end: spot.valueEnd, text: `${lead}${writeYamlFlow(value, quoting)}` }];
    }
    const flow = spot.body?.layout === 'delimited' && spot.body.spots.length > 0;
    const written = flow ? ` ${writeYamlFlow(value)}` : writeYamlValue(value, this.layout(spot.block), quoting);
    if (lineStart(text, spot.valueStart) > spot.head && !flow) return this.replaceLines(spot, value, written);
    const [first, ...rest] = written.split(this.page.eol);
    const below = rest.length === 0 ? [] : [this.page.eol + rest.join(this.page.eol)];
    // A comment at the end of the line stays there; what needs lines of its own goes below it.
    const end = lineEnd(text, spot.valueEnd);
    return [
      { start: first === '' ? spot.head : spot.valueStart, end: spot.valueEnd, text: spot.valueStart === spot.head || first === '' ? (first as string) : (first as string).slice(1) },
      ...below.map((lines) => ({ start: end, end, text: lines })),
    ];
  }

  member(keys: Path, value: JsonValue, block: Block): string {
    const key = keys.join('.');
    if (block.layout === 'delimited') return `${writeYamlKey(key)}: ${writeYamlFlow(value)}`;
    return writeYamlMember(key, value, this.layout(block));
  }

  item(value: JsonValue, block: Block): string {
    if (block.layout === 'delimited') return writeYamlFlow(value);
    return writeYamlBlock([value], this.layout(block)).slice(block.indent.length);
  }

  /** The value stands on the lines below its key: those go, together with the comments between them. */
  private replaceLines(spot: Spot, value: JsonValue, written: string): Splice[] {
    const { text, eol } = this.page;
    const start = lineStart(text, spot.valueStart);
    if (written.startsWith(eol)) return [{ start, end: spot.valueEnd, text: written.slice(eol.length) }];
    const before = start > 0 && text[start - 2] === '\r' ? start - 2 : start - 1;
    // On one line: below a literal's `|`, the comments that stay would be read as its text.
    return [
      { start: spot.head, end: spot.head, text: ` ${writeYamlFlow(value)}` },
      { start: before, end: spot.valueEnd, text: '' },
    ];
  }

  private replaceRoot(spot: Spot, value: JsonValue): Splice[] {
    const lines = typeof value === 'object' && value !== null && Object.keys(value).length > 0;
    const text = lines ? writeYamlBlock(value, { ...this.page, indent: '' }) : writeYamlFlow(value, this.quotingOf(spot));
    return [{ start: spot.valueStart, end: spot.valueEnd, text }];
  }

  private quotingOf(spot: Spot): Quoting {
    const first = this.page.text[spot.valueStart];
    if (spot.valueStart === spot.valueEnd) return 'plain';
    return first === "'" ? 'single' : first === '"' ? 'double' : 'plain';
  }

  private layout(block: Block): Layout {
    return { ...this.page, step: this.page.step === '\t' ? '  ' : this.page.step, indent: block.indent };
  }
}
