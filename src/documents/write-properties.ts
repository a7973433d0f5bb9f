import type { JsonValue } from '@trimtab/client/protocol';
import { escapeKey } from 'properties-file/escape';
import { isJsonArray, isJsonObject, type JsonObject } from './json-object';
import { numberText } from './number-text';

/**
 * One line per leaf, its path joined by dots. Lists are written as Spring writes them when it flattens YAML:
 * `hosts[0]=a`, `hosts[1].name=b`; a `null` and an empty object or list are the empty string.
 */
export function writeProperties(value: JsonObject, eol = '\n'): string {
  return leaves(value, '').map(([key, text]) => writeProperty(key, text) + eol).join('');
}

export function writeProperty(key: string, text: string, separator = '='): string {
  return `${escapeKey(key)}${separator}${escapePropertyValue(text)}`;
}

const ESCAPES: Readonly<Record<string, string>> = { '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t', '\f': '\\f' };

/** Only what would be misread; a library that escapes every `:` and `=` makes addresses hard to read. */
export function escapePropertyValue(text: string): string {
  return text.replace(/[\\\n\r\t\f]/g, (character) => ESCAPES[character] as string).replace(/^ /, '\\ ');
}

/** The text that stands for a scalar: properties know no other type than strings. */
export function propertyText(value: string | number | boolean): string {
  return typeof value === 'number' ? numberText(value) : String(value);
}

function leaves(value: JsonValue, path: string): [string, string][] {
  if (isJsonArray(value) && value.length > 0) return value.flatMap((item, index) => leaves(item, `${path}[${index}]`));
  if (isJsonObject(value) && (Object.keys(value).length > 0 || path === '')) {
    return Object.entries(value).flatMap(([key, member]) => leaves(member, path === '' ? key : `${path}.${key}`));
  }
  return [[path, value === null || typeof value === 'object' ? '' : propertyText(value)]];
}
