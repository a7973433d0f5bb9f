import type { JsonValue } from '@trimtab/client/protocol';
import { isJsonArray, isJsonObject, member, objectOf, type JsonObject } from './json-object';

/** Keywords whose members are schemas by name. */
const NAMED_SCHEMAS = new Set(['properties', 'patternProperties', '$defs', 'definitions', 'dependentSchemas']);
/** Keywords that hold values, not schemas. */
const VALUES = new Set(['const', 'enum', 'default', 'examples']);
const PATTERN = '^__proto__$';

/**
 * ajv leaves a property named `__proto__` out of `properties` without a word, and a schema that is not held is worse
 * than none: what is said of it is said again as a pattern that matches nothing else.
 */
export function holdProtoProperty(schema: JsonValue): JsonValue {
  if (isJsonArray(schema)) return schema.map(holdProtoProperty);
  if (!isJsonObject(schema)) return schema;
  const held = objectOf(Object.entries(schema).map(([keyword, value]) => [keyword, VALUES.has(keyword) ? value : inner(keyword, value)] as const));
  const properties = member(held, 'properties');
  const proto = isJsonObject(properties) ? member(properties, '__proto__') : undefined;
  if (proto === undefined) return held;
  const patterns = member(held, 'patternProperties');
  const others: JsonObject = isJsonObject(patterns) ? patterns : {};
  const before = member(others, PATTERN);
  const both = before === undefined ? proto : { allOf: [before, proto] };
  return objectOf([...Object.entries(held), ['patternProperties', objectOf([...Object.entries(others), [PATTERN, both]])]]);
}

function inner(keyword: string, value: JsonValue): JsonValue {
  if (!NAMED_SCHEMAS.has(keyword) || !isJsonObject(value)) return holdProtoProperty(value);
  return objectOf(Object.entries(value).map(([name, schema]) => [name, holdProtoProperty(schema)] as const));
}
