import type { JsonValue } from '@trimtab/client/protocol';
import { DomainError } from '../kernel/domain-error';
import type { JsonPatchInput } from './apply-patch';
import { isJsonArray, isJsonObject, member, type JsonObject } from './json-object';
import { formatPointer } from './pointer';

/** Each builds on the result of the one before, so many small ones cost more than one large document. */
const MAX_OPERATIONS = 1_000;

/** What each operation needs besides its path. */
const NEEDS = new Map<string, 'value' | 'from' | undefined>([
  ['add', 'value'], ['replace', 'value'], ['test', 'value'], ['move', 'from'], ['copy', 'from'], ['remove', undefined],
]);

/** Holds what was sent against the shape of a JSON Patch (RFC 6902). Members it does not define are ignored, as it says. */
export function readJsonPatch(input: JsonValue): JsonPatchInput[] {
  if (!isJsonArray(input)) throw malformed('a JSON Patch is a list of operations', []);
  if (input.length > MAX_OPERATIONS) throw malformed(`there are ${input.length} operations; send at most ${MAX_OPERATIONS}`, []);
  return input.map((operation, index) => readOperation(operation, String(index)));
}

function readOperation(input: JsonValue, index: string): JsonPatchInput {
  if (!isJsonObject(input)) throw malformed('an operation is an object', [index]);
  const op = member(input, 'op');
  if (typeof op !== 'string' || !NEEDS.has(op)) throw malformed(`"op" must be one of ${[...NEEDS.keys()].join(', ')}`, [index, 'op']);
  const path = textAt(input, 'path', index);
  const need = NEEDS.get(op);
  const value = member(input, 'value');
  if (need === 'value' && value === undefined) throw malformed(`"${op}" needs a "value"`, [index, 'value']);
  const more = need === undefined ? {} : need === 'from' ? { from: textAt(input, 'from', index) } : { value };
  return { op, path, ...more } as JsonPatchInput;
}

function textAt(input: JsonObject, name: 'path' | 'from', index: string): string {
  const text = member(input, name);
  if (typeof text === 'string') return text;
  throw malformed(`"${name}" must be a JSON Pointer in a string`, [index, name]);
}

function malformed(fault: string, path: readonly string[]): DomainError {
  const pointer = formatPointer(path);
  return new DomainError('malformed_request', `In the JSON Patch${pointer === '' ? '' : `, at ${pointer}`}: ${fault}.`, { pointer });
}
