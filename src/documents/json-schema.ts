import type { JsonValue } from '@trimtab/client/protocol';
import Ajv2020, { type ErrorObject, type ValidateFunction } from 'ajv/dist/2020';
import addFormats from 'ajv-formats';
import { DomainError } from '../kernel/domain-error';
import { runBounded, TookTooLong } from './bounded-run';
import { DEFAULT_DOCUMENT_LIMITS } from './document-type';
import { formatPointer, parsePointer } from './pointer';
import { parseDocument } from './parse-document';
import { holdProtoProperty } from './proto-property';

export interface Violation {
  /** RFC 6901 pointer of the value that is wrong; for a missing or unknown key that of the key. */
  readonly path: string;
  readonly message: string;
  readonly keyword: string;
}

/** Where in a value a secret stands, or what stands in for it. What a schema asks of it beyond its type is not judged. */
export interface SealedSpot {
  /** RFC 6901. */
  readonly path: string;
  /** Whether what stands there has the type of the secret. */
  readonly typed: boolean;
}

type Validate = (value: JsonValue, sealed?: readonly SealedSpot[]) => Violation[];

/** What takes longer is broken off. Ordinary schemas take less than a millisecond, the largest ones some tens. */
const MAX_MS = 1_000;
/** Compiling goes through a schema once, and through the schema of schemas before the first. */
const MAX_COMPILE_MS = 5_000;
/** For how long a schema that took too long is refused unseen, so that it takes at most a sixtieth of the time there is. */
const PENALTY_MS = 60_000;

/** Compiled validators are code; an unbounded number of them would never leave memory. */
const MEMORY = 200;
const compiled = new Map<string, Validate>();

/**
 * Compiles a JSON Schema of draft 2020-12. References must stay inside the schema: nothing is ever fetched. Whoever may
 * edit can write one that takes for ever: a `pattern` that goes back, alternatives of alternatives, `uniqueItems` over a
 * hundred thousand items. So every check has a limit, and a schema that met it is left alone for a while.
 */
export function compileSchema(source: string): Validate {
  const known = compiled.get(source);
  if (known !== undefined) {
    compiled.delete(source);
    compiled.set(source, known);
    return known;
  }
  const validate = compile(source);
  compiled.set(source, validate);
  if (compiled.size > MEMORY) compiled.delete(compiled.keys().next().value as string);
  return validate;
}

function compile(source: string): Validate {
  const schema = parseSchema(source);
  let validate: ValidateFunction;
  try {
    // One instance each: schemas of different layers may well carry the same $id.
    const ajv = new Ajv2020({ allErrors: true, strict: false, validateFormats: true, logger: false, ownProperties: true });
    addFormats(ajv);
    validate = runBounded(() => ajv.compile(holdProtoProperty(schema) as object | boolean), MAX_COMPILE_MS);
  } catch (cause) {
    if (cause instanceof TookTooLong) throw tooSlow(cause);
    throw new DomainError('schema_invalid', explain(cause), { cause });
  }
  let refusedUntil = 0;
  return (value, sealed) => {
    if (performance.now() < refusedUntil) throw tooSlow();
    try {
      return isValid(validate, value) ? [] : beside(sealed, validate.errors ?? []).map(toViolation);
    } catch (error) {
      if (!(error instanceof TookTooLong)) throw error;
      refusedUntil = performance.now() + PENALTY_MS;
      throw tooSlow(error);
    }
  };
}

function tooSlow(cause?: TookTooLong): DomainError {
  const detail = `Checking a value against the schema takes longer than ${MAX_MS} ms. Look for a pattern with repetitions inside repetitions, alternatives that refer to alternatives, and uniqueItems on very long lists.`;
  return new DomainError('schema_invalid', detail, { cause });
}

function isValid(validate: ValidateFunction, value: JsonValue): boolean {
  try {
    return runBounded(() => validate(value) as boolean, MAX_MS);
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw new DomainError('schema_invalid', 'The schema refers to itself without end: follow its $ref until one leads back to where it began.', { cause });
  }
}

function parseSchema(source: string): JsonValue {
  try {
    const { value } = parseDocument(source, { format: 'json', keys: 'literal' }, DEFAULT_DOCUMENT_LIMITS);
    if (typeof value === 'boolean' || (typeof value === 'object' && value !== null && !Array.isArray(value))) return value;
  } catch (cause) {
    if (!(cause instanceof DomainError)) throw cause;
    throw new DomainError('schema_invalid', `The schema is not JSON. ${cause.message}`, { extra: cause.extra, cause });
  }
  throw new DomainError('schema_invalid', 'A JSON Schema is an object or a boolean.');
}

function explain(cause: unknown): string {
  const message = cause instanceof Error ? cause.message : String(cause);
  const missing = /can't resolve reference (\S+)/.exec(message)?.[1];
  if (missing !== undefined) {
    return `The schema refers to '${missing}', which is not part of it. References to other files or addresses are not followed; put the definition under $defs.`;
  }
  return `The schema cannot be used: ${message}.`;
}

/** The errors that say nothing about a secret, nor follow from one that does. */
function beside(sealed: readonly SealedSpot[] = [], errors: readonly ErrorObject[]): readonly ErrorObject[] {
  const isAbout = ({ instancePath, keyword }: ErrorObject): boolean =>
    sealed.some(({ path, typed }) => isWithin(instancePath, path) && !(typed && keyword === 'type' && instancePath === path));
  const about = errors.filter(isAbout);
  if (about.length === 0) return errors;
  // `anyOf` and its like fail for what fails inside them: with a secret involved, nobody can say that none would fit.
  const excused = errors.filter((error) => COMBINING.has(error.keyword) && about.some(({ instancePath }) => isWithin(instancePath, error.instancePath)));
  return errors.filter((error) => !about.includes(error) && !excused.some((one) => one === error || error.schemaPath.startsWith(`${one.schemaPath}/`)));
}

const COMBINING = new Set(['anyOf', 'oneOf', 'not', 'if', 'contains', 'dependentSchemas']);

function isWithin(path: string, whole: string): boolean {
  return path === whole || path.startsWith(`${whole}/`);
}

function toViolation({ instancePath, message, keyword, params }: ErrorObject): Violation {
  const key: unknown = params.missingProperty ?? params.additionalProperty ?? params.unevaluatedProperty ?? params.propertyName;
  const path = typeof key === 'string' ? formatPointer([...parsePointer(instancePath), key]) : instancePath;
  return { path, message: message ?? `does not satisfy ${keyword}`, keyword };
}
