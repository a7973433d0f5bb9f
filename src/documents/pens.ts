import type { JsonValue } from '@trimtab/client/protocol';
import { DomainError } from '../kernel/domain-error';
import type { Format, Path } from './document-type';
import type { Page, Pen } from './pen';
import { formatPointer } from './pointer';
import { lineStart, type Splice } from './splice';
import type { Block, Spot } from './syntax-tree';
import { writeJson, writeJsonMember, type Layout } from './write-json';
import { escapePropertyValue, propertyText, writeProperty } from './write-properties';
import { writeTomlKey, writeTomlValue } from './write-toml';
import { YamlPen } from './yaml-pen';

export function penFor(format: Exclude<Format, 'text'>, page: Page): Pen {
  switch (format) {
    case 'json':
      return new JsonPen(page);
    case 'yaml':
      return new YamlPen(page);
    case 'toml':
      return new TomlPen(page);
    case 'properties':
      return new PropertiesPen(page);
  }
}

class JsonPen implements Pen {
  readonly joinsKeys = false;
  readonly flat = false;
  readonly sections = false;

  constructor(private readonly page: Page) {}

  replace(spot: Spot, value: JsonValue): Splice[] {
    const layout = spot.block === undefined ? { ...this.page, indent: '' } : this.layout(spot.block, spot.start);
    return [{ start: spot.valueStart, end: spot.valueEnd, text: writeJson(value, layout) }];
  }

  member(keys: Path, value: JsonValue, block: Block): string {
    return writeJsonMember(keys.join('.'), value, this.layout(block, block.spots[0]?.start ?? block.start));
  }

  item(value: JsonValue, block: Block): string {
    return writeJson(value, this.layout(block, block.spots[0]?.start ?? block.start));
  }

  /** In a container on one line, a new value is on one line too. */
  private layout(block: Block, offset: number): Layout {
    const { text, eol, step } = this.page;
    const inside = text.slice(block.start, block.end);
    if (!inside.includes('\n')) return { eol, step: '', indent: '', tight: block.spots.length > 0 && !inside.includes(' ') };
    return { eol, step, indent: (/^[ \t]*/.exec(text.slice(lineStart(text, offset), offset)) as RegExpExecArray)[0] };
  }
}

class TomlPen implements Pen {
  readonly joinsKeys = true;
  readonly flat = false;
  readonly sections = true;

  constructor(private readonly page: Page) {}

  replace(spot: Spot, value: JsonValue, path: Path): Splice[] {
    const literal = typeof value === 'string' && this.page.text[spot.valueStart] === "'" && /^[^'\x00-\x1f\x7f-\x9f]*$/.test(value);
    return [{ start: spot.valueStart, end: spot.valueEnd, text: literal ? `'${value}'` : writeTomlValue(value, path) }];
  }

  member(keys: Path, value: JsonValue, _block: Block, path: Path): string {
    return `${writeTomlKey(keys)} = ${writeTomlValue(value, path)}`;
  }

  item(value: JsonValue, _block: Block, path: Path): string {
    return writeTomlValue(value, path);
  }
}

class PropertiesPen implements Pen {
  readonly joinsKeys = true;
  readonly flat = true;
  readonly sections = false;
  private readonly separator: string;

  constructor(private readonly page: Page) {
    // As most entries of the file write it: `key = value` or `key=value`.
    this.separator = /^[^#!\s=:]+([ \t]?[=:][ \t]?)/m.exec(page.text)?.[1] ?? '=';
  }

  replace(spot: Spot, value: JsonValue, path: Path): Splice[] {
    const before = this.page.text.slice(spot.start, spot.valueStart);
    const separator = /[=: \t\f]$/.test(before) ? '' : this.separator;
    // After white space alone, a first = or : would be taken for the separator.
    const text = escapePropertyValue(textOf(value, path)).replace(/^[=:]/, /[=:][ \t\f]*$/.test(before + separator) ? '$&' : '\\$&');
    return [{ start: spot.valueStart, end: spot.valueEnd, text: separator + text }];
  }

  member(keys: Path, value: JsonValue, _block: Block, path: Path): string {
    return writeProperty(keys.join('.'), textOf(value, path), this.separator);
  }

  item(_value: JsonValue, _block: Block, path: Path): string {
    return textOf([], path);
  }
}

function textOf(value: JsonValue, path: Path): string {
  if (value !== null && typeof value !== 'object') return propertyText(value);
  throw new DomainError('value_not_representable', `${formatPointer(path)} cannot be written: .properties hold only strings.`, { pointer: formatPointer(path) });
}
