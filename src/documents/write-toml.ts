import type { JsonValue } from '@trimtab/client/protocol';
import { DomainError } from '../kernel/domain-error';
import type { Path } from './document-type';
import { isJsonArray, isJsonObject, type JsonObject } from './json-object';
import { numberText } from './number-text';
import { formatPointer } from './pointer';

/** A whole document: plain keys first, then a `[table]` for every object and `[[tables]]` for every list of objects. */
export function writeToml(value: JsonObject, eol = '\n'): string {
  return tableLines(value, []).join(eol) + (Object.keys(value).length === 0 ? '' : eol);
}

function tableLines(table: JsonObject, path: Path): string[] {
  const lines: string[] = [];
  const below: string[] = [];
  for (const [key, value] of Object.entries(table)) {
    const here = [...path, key];
    if (isJsonObject(value)) below.push('', ...writeTomlTable(here, value));
    else if (isTables(value)) below.push(...value.flatMap((item) => ['', ...writeTomlItem(here, item)]));
    else lines.push(`${writeTomlKey([key])} = ${writeTomlValue(value, here)}`);
  }
  if (lines.length === 0 && below[0] === '') below.shift();
  return [...lines, ...below];
}

export function writeTomlTable(path: Path, value: JsonObject): string[] {
  // A table that holds only tables is implied by theirs.
  const members = Object.values(value);
  const implied = members.length > 0 && members.every((member) => isJsonObject(member) || isTables(member));
  return implied ? tableLines(value, path) : [`[${writeTomlKey(path)}]`, ...tableLines(value, path)];
}

/** One more item of an array of tables. */
export function writeTomlItem(path: Path, value: JsonObject): string[] {
  return [`[[${writeTomlKey(path)}]]`, ...tableLines(value, path)];
}

function isTables(value: JsonValue): value is readonly JsonObject[] {
  return isJsonArray(value) && value.length > 0 && value.every((item) => isJsonObject(item));
}

/** A value as it follows `=`: everything on one line. */
export function writeTomlValue(value: JsonValue, path: Path): string {
  if (value === null) {
    throw new DomainError('value_not_representable', `TOML has no null, so ${formatPointer(path) || 'the document'} cannot be written. Leave the key out.`, { pointer: formatPointer(path) });
  }
  if (typeof value === 'string') return writeTomlString(value, path);
  if (typeof value === 'number') return numberText(value);
  if (typeof value === 'boolean') return String(value);
  if (isJsonArray(value)) return `[${value.map((item, index) => writeTomlValue(item, [...path, String(index)])).join(', ')}]`;
  const members = Object.entries(value).map(([key, member]) => `${writeTomlKey([key])} = ${writeTomlValue(member, [...path, key])}`);
  return members.length === 0 ? '{}' : `{ ${members.join(', ')} }`;
}

export function writeTomlKey(path: Path): string {
  return path.map((key) => (/^[A-Za-z0-9_-]+$/.test(key) ? key : writeTomlString(key, path))).join('.');
}

function writeTomlString(value: string, path: Path): string {
  if (/[\ud800-\udfff]/u.test(value)) {
    throw new DomainError('value_not_representable', `TOML strings are Unicode text, and ${formatPointer(path)} holds half a surrogate pair.`, { pointer: formatPointer(path) });
  }
  return JSON.stringify(value).replace(/[\x7f-\x9f\u2028\u2029\ufeff]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
