import type { ArgumentMetadata, PipeTransform, Type } from '@nestjs/common';
import { validate, type ValidationError } from 'class-validator';
import { DomainError } from '../kernel/domain-error';
import { instantiate, isPlainObject, type FieldFault } from './instantiate';
import { formatPointer } from '../documents/pointer';

const MAX_REPORTED = 50;
const PASSED_THROUGH: readonly unknown[] = [String, Number, Boolean, Array, Object, Buffer, Uint8Array];

/**
 * Holds what was sent against the class the handler names for it: unknown fields, wrong types and bad names never reach
 * a handler. Nest's own pipe cannot do it here: it removes `__proto__`, `constructor` and `prototype`, which are data.
 */
export class RequestShapePipe implements PipeTransform {
  async transform(value: unknown, { metatype, type }: ArgumentMetadata): Promise<unknown> {
    if (type === 'custom' || metatype === undefined || PASSED_THROUGH.includes(metatype)) return value;
    if (type === 'body' && value !== undefined && !isPlainObject(value)) {
      throw new DomainError('malformed_request', 'The request body must be a JSON object.', { pointer: '' });
    }
    const faults: FieldFault[] = [];
    const input = isPlainObject(value) ? value : {};
    const instance = instantiate(metatype as Type, input, [], faults, { fromText: type !== 'body' });
    const errors = await validate(instance, { forbidUnknownValues: false, validationError: { target: false, value: false } });
    collect(errors, [], faults);
    const [first] = faults;
    if (first === undefined) return instance;
    throw new DomainError('malformed_request', describe(first, type, value), {
      pointer: first.pointer,
      extra: { errors: faults.slice(0, MAX_REPORTED) },
    });
  }
}

const WHERE = { body: 'body', query: 'query string', param: 'path', custom: 'request' } as const;

function describe({ pointer, message }: FieldFault, type: keyof typeof WHERE, value: unknown): string {
  if (type === 'body' && value === undefined) return 'The request needs a JSON body (Content-Type: application/json).';
  return `In the ${WHERE[type]}, at ${pointer}: ${message}.`;
}

function collect(errors: readonly ValidationError[], path: readonly string[], faults: FieldFault[]): void {
  for (const error of errors) {
    const here = [...path, error.property];
    for (const message of Object.values(error.constraints ?? {})) faults.push({ pointer: formatPointer(here), message });
    collect(error.children ?? [], here, faults);
  }
}
