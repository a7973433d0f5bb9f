import type { StandardSchemaV1 } from '@standard-schema/spec';
import { messageOf } from './errors.js';
import { NO_SECRETS, type Secrets } from './secrets.js';

/** What a schema made of a value: its output, or the reason why it is refused. */
export type Validation = { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly reason: string };

const SHOWN_ISSUES = 5;

/** Runs any Standard Schema; a promise only when the schema is asynchronous. A schema that throws refuses. */
export function validate(schema: StandardSchemaV1 | undefined, value: unknown, secrets: Secrets = NO_SECRETS): Validation | Promise<Validation> {
  if (schema === undefined) return { ok: true, value };
  try {
    const result = schema['~standard'].validate(value);
    return result instanceof Promise ? result.then((late) => toValidation(late, secrets), thrown) : toValidation(result, secrets);
  } catch (error) {
    return thrown(error);
  }
}

function toValidation(result: StandardSchemaV1.Result<unknown>, secrets: Secrets): Validation {
  if (result.issues === undefined) return { ok: true, value: result.value };
  const shown = result.issues.slice(0, SHOWN_ISSUES).map((issue) => describe(issue, secrets));
  const more = result.issues.length - shown.length;
  return { ok: false, reason: `${shown.join('; ')}${more > 0 ? `; and ${more} more` : ''}` };
}

// Many libraries quote what they were given.
function describe(issue: StandardSchemaV1.Issue, secrets: Secrets): string {
  const segments = (issue.path ?? []).map((segment) => String(typeof segment === 'object' ? segment.key : segment));
  const path = segments.join('.');
  const message = secrets.touches(segments) ? 'the schema does not accept it; it is a secret, so no more is said here' : issue.message;
  return path === '' ? message : `${path}: ${message}`;
}

function thrown(error: unknown): Validation {
  return { ok: false, reason: `the schema threw: ${messageOf(error)}` };
}
