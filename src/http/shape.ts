import 'reflect-metadata';
import { applyDecorators, type Type } from '@nestjs/common';
import { ApiProperty, type ApiPropertyOptions } from '@nestjs/swagger';
import { ArrayMaxSize, Allow, IsArray, IsBoolean, IsInt, IsISO8601, IsObject, IsString, Length, Matches, Max, Min, ValidateBy, ValidateIf, ValidateNested } from 'class-validator';
import { DOCUMENT_NAME_PATTERN, LABEL_PATTERN } from '../kernel/names';

/**
 * Decorators that say what a field of a request is. class-validator's own may be used beside them; these add what the
 * pipe needs to build the object without guessing: which class is nested, what is plain JSON, what is a number in a URL.
 */
const KIND = Symbol('kind of field');

export type FieldKind =
  | { readonly kind: 'list' | 'object'; readonly type: () => Type }
  | { readonly kind: 'number' | 'flag' };

interface FieldOptions {
  readonly optional?: boolean;
  readonly description?: string;
}

export function fieldKindOf(type: Type, field: string): FieldKind | undefined {
  return Reflect.getMetadata(KIND, type.prototype as object, field) as FieldKind | undefined;
}

/** OpenAPI 3.0 has no word for "anything": every type, each of them nullable. */
const ANY_JSON = (['object', 'array', 'string', 'number', 'boolean'] as const).map((type) => ({ type, nullable: true, ...(type === 'array' ? { items: {} } : {}) }));

/** An object of another class. */
export function Nested(type: () => Type, options: FieldOptions = {}): PropertyDecorator {
  return field(options, { type }, mark({ kind: 'object', type }), IsObject(), ValidateNested());
}

/** A list of objects of another class. */
export function NestedList(type: () => Type, options: FieldOptions & { readonly max: number }): PropertyDecorator {
  return field(options, { type, isArray: true }, mark({ kind: 'list', type }), IsArray(), ArrayMaxSize(options.max), ValidateNested({ each: true }));
}

/** Any JSON value, taken as it is: keys such as `__proto__` and `constructor` in it are data. `null` is a value. */
export function AnyJson(options: FieldOptions = {}): PropertyDecorator {
  const api = ApiProperty({ required: options.optional !== true, description: options.description, oneOf: ANY_JSON });
  return applyDecorators(api, options.optional === true ? Allow() : IsPresent());
}

/** A whole number, also where it is written in a URL. */
export function WholeNumber(options: FieldOptions & { readonly min: number; readonly max?: number; readonly default?: number }): PropertyDecorator {
  const { min, max = Number.MAX_SAFE_INTEGER, default: fallback } = options;
  const api = { type: 'integer', minimum: min, ...(options.max === undefined ? {} : { maximum: max }), default: fallback } as const;
  const optional = options.optional === true || fallback !== undefined;
  return field({ ...options, optional }, api, mark({ kind: 'number' }), IsInt(), Min(min), Max(max));
}

/** `true` or `false`, also where it is written in a URL. */
export function Flag(options: FieldOptions = {}): PropertyDecorator {
  return field(options, { type: 'boolean' }, mark({ kind: 'flag' }), IsBoolean());
}

/** An ISO 8601 moment such as `2027-01-31T12:00:00Z`. */
export function Moment(options: FieldOptions = {}): PropertyDecorator {
  return field(options, { type: 'string', format: 'date-time' }, IsISO8601({ strict: true, strictSeparator: true }));
}

/** Text for people: no NUL and no half of a surrogate pair, neither of which can be stored. */
export function Text(options: FieldOptions & { readonly max: number; readonly min?: number }): PropertyDecorator {
  const { min = 0, max } = options;
  const storable = Matches(/^[^\0\p{Cs}]*$/u, { message: '$property must be well-formed Unicode without NUL' });
  return field(options, { type: 'string', minLength: min, maxLength: max }, IsString(), Length(min, max), storable);
}

/** Name of a service or an environment. */
export function LabelName(options: FieldOptions = {}): PropertyDecorator {
  const message = '$property must be 1 to 63 lower case letters, digits and hyphens, and neither begin nor end with a hyphen';
  return field(options, { type: 'string', pattern: LABEL_PATTERN.source, example: 'orders' }, Matches(LABEL_PATTERN, { message }));
}

/** Name of a document. */
export function DocumentName(options: FieldOptions = {}): PropertyDecorator {
  const message = '$property must be 1 to 128 letters, digits, dots, underscores and hyphens, and neither begin nor end with a dot';
  return field(options, { type: 'string', pattern: DOCUMENT_NAME_PATTERN.source, example: 'application' }, Matches(DOCUMENT_NAME_PATTERN, { message }));
}

function field(options: FieldOptions, api: ApiPropertyOptions, ...rules: PropertyDecorator[]): PropertyDecorator {
  const optional = options.optional === true;
  const described = { ...api, required: !optional, description: options.description } as ApiPropertyOptions;
  return applyDecorators(ApiProperty(described), ...(optional ? [MayBeAbsent()] : []), ...rules);
}

/** class-validator's IsOptional lets null pass as well; null is a value here, which most fields do not take. */
export function MayBeAbsent(): PropertyDecorator {
  return ValidateIf((_object, value) => value !== undefined);
}

function IsPresent(): PropertyDecorator {
  return ValidateBy({ name: 'isPresent', validator: { validate: (value) => value !== undefined, defaultMessage: () => '$property is missing' } });
}

function mark(kind: FieldKind): PropertyDecorator {
  return (target, property) => Reflect.defineMetadata(KIND, kind, target, property);
}
