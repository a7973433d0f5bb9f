import type { StandardSchemaV1 } from '@standard-schema/spec';
import { messageOf } from './errors.js';

/** What a schema made of a value: its output, or the reason why it is refused. */
export type Validation = { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly reason: string };

const SHOWN_ISSUES = 5;

/** Runs any Standard Schema; a promise only when the schema is asynchronous. A schema that throws refuses. */
export function validate(schema: StandardSchemaV1 | undefined, value: unknown): Validation | Promise<Validation> {
  if (schema === undefined) return { ok: true, value };
  try {
    const result = schema['~standard'].validate(value);
    return result instanceof Promise ? result.then(toValidation, thrown) : toValidation(result);
  } catch (error) {
    return thrown(error);
  }
}

function toValidation(result: StandardSchemaV1.Result<unknown>): Validation {
  if (result.issues === undefined) return { ok: true, value: result.value };
  const shown = result.issues.slice(0, SHOWN_ISSUES).map(describe);
  const more = result.issues.length - shown.length;
  return { ok: false, reason: `${shown.join('; ')}${more > 0 ? `; and ${more} more` : ''}` };
}

function describe(issue: StandardSchemaV1.Issue): string {
  const path = (issue.path ?? []).map((segment) => String(typeof segment === 'object' ? segment.key : segment)).join('.');
  return path === '' ? issue.message : `${path}: ${issue.message}`;
}

function thrown(error: unknown): Validation {
  return { ok: false, reason: `the schema threw: ${messageOf(error)}` };
}
