import type { JsonValue } from '@trimtab/client/protocol';
import { isJsonArray, isJsonObject } from './json-object';
import { numberText } from './number-text';

export interface Layout {
  /** One level of indentation; empty writes everything on one line. */
  readonly step: string;
  /** Indentation of the line the value begins on. */
  readonly indent: string;
  readonly eol: string;
  /** No space after a colon or comma either. */
  readonly tight?: boolean;
}

export const DEFAULT_LAYOUT: Layout = { step: '  ', indent: '', eol: '\n' };

export function writeJson(value: JsonValue, layout: Layout = DEFAULT_LAYOUT): string {
  if (typeof value === 'number') return numberText(value);
  if (isJsonArray(value)) return bracketed('[', ']', value.map((item) => writeJson(item, deeper(layout))), layout);
  if (!isJsonObject(value)) return JSON.stringify(value);
  const members = Object.entries(value).map(([key, member]) => writeJsonMember(key, member, deeper(layout)));
  return bracketed('{', '}', members, layout);
}

/** `layout` is that of the line the member stands on. */
export function writeJsonMember(key: string, value: JsonValue, layout: Layout): string {
  return `${JSON.stringify(key)}:${layout.tight === true ? '' : ' '}${writeJson(value, layout)}`;
}

export function deeper(layout: Layout): Layout {
  return { ...layout, indent: layout.indent + layout.step };
}

function bracketed(open: string, close: string, parts: readonly string[], { step, indent, eol, tight }: Layout): string {
  if (parts.length === 0) return open + close;
  if (step === '') return `${open}${parts.join(tight === true ? ',' : ', ')}${close}`;
  const inner = `${eol}${indent}${step}`;
  return `${open}${inner}${parts.join(`,${inner}`)}${eol}${indent}${close}`;
}
