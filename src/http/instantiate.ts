import type { Type } from '@nestjs/common';
import { getMetadataStorage } from 'class-validator';
import { formatPointer } from '../documents/pointer';
import { fieldKindOf } from './shape';

export interface FieldFault {
  readonly pointer: string;
  readonly message: string;
}

export interface InstantiateOptions {
  /** Values come from a URL: numbers and flags are written as text. */
  readonly fromText: boolean;
}

/**
 * Builds a `type` out of parsed input. Only declared fields are taken and every other is a fault. Nothing is looked up
 * by a key the caller chose (class-transformer does, and stumbles over a `constructor` in the input), and what is not
 * declared as nested is taken as it is, so that JSON data comes through whatever its keys are.
 */
export function instantiate(type: Type, input: object, path: readonly string[], faults: FieldFault[], options: InstantiateOptions): object {
  const instance = new type() as Record<string, unknown>;
  const known = fieldsOf(type);
  for (const [field, value] of Object.entries(input)) {
    if (known.has(field)) {
      instance[field] = convert(type, field, value, [...path, field], faults, options);
    } else {
      faults.push({ pointer: formatPointer([...path, field]), message: `unknown field; known are: ${[...known].join(', ') || 'none'}` });
    }
  }
  return instance;
}

function convert(type: Type, field: string, value: unknown, path: readonly string[], faults: FieldFault[], options: InstantiateOptions): unknown {
  const kind = fieldKindOf(type, field);
  switch (kind?.kind) {
    case 'list':
      return Array.isArray(value) ? value.map((item, index) => nest(kind.type(), item ?? undefined, [...path, String(index)], faults, options)) : value;
    case 'object':
      return nest(kind.type(), value, path, faults, options);
    case 'number':
      return options.fromText && typeof value === 'string' && /^-?\d{1,16}$/.test(value) ? Number(value) : value;
    case 'flag':
      return options.fromText && (value === 'true' || value === 'false' || value === '') ? value !== 'false' : value;
    default:
      return value;
  }
}

function nest(type: Type, value: unknown, path: readonly string[], faults: FieldFault[], options: InstantiateOptions): unknown {
  if (isPlainObject(value)) return instantiate(type, value, path, faults, options);
  // Whether null is as good as nothing is a question of the field; a member of a list is never nothing.
  if (value !== null) faults.push({ pointer: formatPointer(path), message: 'must be an object' });
  return value;
}

export function isPlainObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const fieldsByType = new WeakMap<Type, ReadonlySet<string>>();

function fieldsOf(type: Type): ReadonlySet<string> {
  let fields = fieldsByType.get(type);
  if (fields === undefined) {
    const rules = getMetadataStorage().getTargetValidationMetadatas(type, '', true, false);
    fields = new Set(rules.map((rule) => rule.propertyName));
    fieldsByType.set(type, fields);
  }
  return fields;
}
