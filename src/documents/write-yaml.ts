import type { JsonValue } from '@trimtab/client/protocol';
import { isJsonArray, isJsonObject } from './json-object';
import { numberText } from './number-text';
import type { Layout } from './write-json';

/** How a string was quoted before it was changed. */
export type Quoting = 'plain' | 'single' | 'double';

/** The lines of a map or list in block style, each from its own indentation, without a line break at the end. */
export function writeYamlBlock(value: JsonValue, layout: Layout): string {
  const lines = isJsonArray(value)
    ? value.map((item) => `${layout.indent}-${afterDash(item, layout)}`)
    : Object.entries(value as { readonly [key: string]: JsonValue }).map(([key, member]) => layout.indent + writeYamlMember(key, member, layout));
  return lines.join(layout.eol);
}

/** `key: value`, the value below where it needs lines of its own. `layout` is that of the line of the key. */
export function writeYamlMember(key: string, value: JsonValue, layout: Layout): string {
  return `${writeYamlKey(key)}:${writeYamlValue(value, layout)}`;
}

/** What follows a `:` or `-`, beginning with a space or a line break. */
export function writeYamlValue(value: JsonValue, layout: Layout, quoting: Quoting = 'plain'): string {
  const inner = { ...layout, indent: layout.indent + layout.step };
  if (hasLines(value)) return `${layout.eol}${writeYamlBlock(value, inner)}`;
  if (typeof value === 'string' && quoting === 'plain' && isLiteral(value)) return ` ${writeLiteral(value, inner)}`;
  return ` ${writeYamlFlow(value, quoting)}`;
}

function afterDash(item: JsonValue, layout: Layout): string {
  if (!isJsonObject(item) || !hasLines(item)) return writeYamlValue(item, layout);
  // The first key of a map stands on the line of the dash, the others below it.
  const inner = { ...layout, step: layout.step, indent: `${layout.indent}  ` };
  return ` ${writeYamlBlock(item, inner).slice(inner.indent.length)}`;
}

/** On one line, as it may stand anywhere. */
export function writeYamlFlow(value: JsonValue, quoting: Quoting = 'plain'): string {
  if (typeof value === 'number') return numberText(value);
  if (typeof value === 'string') return writeYamlString(value, quoting);
  if (isJsonArray(value)) return `[${value.map((item) => writeYamlFlow(item)).join(', ')}]`;
  if (!isJsonObject(value)) return String(value);
  const members = Object.entries(value).map(([key, member]) => `${writeYamlKey(key)}: ${writeYamlFlow(member)}`);
  return `{${members.join(', ')}}`;
}

export function writeYamlKey(key: string): string {
  // A simple key may not be longer than 1024 characters, nor span lines; `?` introduces one that is.
  const text = writeYamlString(key, 'plain');
  return text.length > 1000 ? `? ${text}\n` : text;
}

// Plain only what every reader takes for a string, those of YAML 1.1 included (`yes`, `12:30`, `2026-11-22`).
const WORDS = /^[A-Za-z_/][A-Za-z0-9_./$@+-]*(?:(?: |:(?=[^ :]))[A-Za-z0-9_./$@+-]+)*$/;
const RESERVED = /^(?:true|false|yes|no|on|off|y|n|null|~)$/i;

function writeYamlString(value: string, quoting: Quoting): string {
  if (quoting === 'single' && /^[\x20-\x7e\u00a0-\ud7ff]*$/.test(value)) return `'${value.replaceAll("'", "''")}'`;
  if (quoting !== 'double' && WORDS.test(value) && !RESERVED.test(value)) return value;
  return JSON.stringify(value).replace(/[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

function hasLines(value: JsonValue): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length > 0;
}

/** Several lines of ordinary text, which a literal block shows as they are. */
function isLiteral(value: string): boolean {
  return value.includes('\n') && /^[^\s][^\r\t\0-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff\ud800-\udfff\ufffe\uffff]*$/.test(value) && !/[ ]\n|\n\n$|[ ]$/.test(value);
}

function writeLiteral(value: string, { indent, eol }: Layout): string {
  const body = value.endsWith('\n') ? value.slice(0, -1) : value;
  const lines = body.split('\n').map((line) => (line === '' ? '' : indent + line));
  return `|${value.endsWith('\n') ? '' : '-'}${eol}${lines.join(eol)}`;
}
