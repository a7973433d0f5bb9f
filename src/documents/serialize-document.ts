import type { JsonValue } from '@trimtab/client/protocol';
import { DomainError } from '../kernel/domain-error';
import type { Format } from './document-type';
import { isJsonObject, type JsonObject } from './json-object';
import { DEFAULT_LAYOUT, writeJson } from './write-json';
import { writeProperties } from './write-properties';
import { writeToml } from './write-toml';
import { writeYamlBlock, writeYamlFlow } from './write-yaml';

/** A merged document, which has no source of its own, in the format of its strongest layer. */
export function serializeValue(value: JsonValue, format: Format): string {
  switch (format) {
    case 'json':
      return `${writeJson(value)}\n`;
    case 'yaml':
      return `${typeof value === 'object' && value !== null && Object.keys(value).length > 0 ? writeYamlBlock(value, DEFAULT_LAYOUT) : writeYamlFlow(value)}\n`;
    case 'toml':
      return writeToml(objectFor(value, 'TOML'));
    case 'properties':
      return writeProperties(objectFor(value, '.properties'));
    case 'text':
      if (typeof value === 'string') return value;
      throw new DomainError('value_not_representable', 'A text document is a string.');
  }
}

function objectFor(value: JsonValue, format: string): JsonObject {
  if (isJsonObject(value)) return value;
  throw new DomainError('value_not_representable', `A ${format} document is a set of keys; the value to write is not an object.`, { pointer: '' });
}
