import type { JsonValue } from '@trimtab/client/protocol';
import { compileSchema, type SealedSpot } from './json-schema';
import { expectCleanPrototype } from './testing/hostile-keys';

const schema = (value: unknown): string => JSON.stringify(value);

describe('given a JSON Schema', () => {
  it('tells every violation with its place', () => {
    const validate = compileSchema(schema({
      type: 'object', required: ['db'], additionalProperties: false,
      properties: { db: { type: 'object', required: ['host'], properties: { port: { type: 'integer', maximum: 65535 } } }, 'a/b': { type: 'string', format: 'uri' } },
    }));
    expect(validate({ db: { host: 'x', port: 1 } })).toEqual([]);
    expect(validate({ db: { port: 99999 }, 'a/b': 'no uri', other: 1 }).map(({ path, keyword }) => [path, keyword]).sort()).toEqual([
      ['/a~1b', 'format'], ['/db/host', 'required'], ['/db/port', 'maximum'], ['/other', 'additionalProperties'],
    ]);
  });

  it('understands draft 2020-12: $defs, $dynamicRef, prefixItems, unevaluatedProperties', () => {
    const validate = compileSchema(schema({ $schema: 'https://json-schema.org/draft/2020-12/schema', $defs: { n: { type: 'number' } }, prefixItems: [{ $ref: '#/$defs/n' }], items: false }));
    expect(validate([1])).toEqual([]);
    expect(validate(['x', 2])).toHaveLength(2);
  });

  it('compiles two schemas that carry the same $id', () => {
    expect(compileSchema(schema({ $id: 'https://example.com/s', type: 'string' }))('x')).toEqual([]);
    expect(compileSchema(schema({ $id: 'https://example.com/s', type: 'number' }))('x')).toHaveLength(1);
  });

  it.each([
    ['{"type": "nothing"}', 'type'],
    ['{"type": "object"', 'Line 1'],
    ['[]', 'object or a boolean'],
    ['{"pattern": "("}', 'regular expression'],
    ['{"$ref": "https://example.com/other.json"}', 'are not followed'],
    ['{"$ref": "#/$defs/missing"}', '$defs'],
    ['{"$schema": "http://json-schema.org/draft-04/schema#"}', 'draft-04'],
  ])('refuses %s and says why', (source, words) => {
    expect(() => compileSchema(source)).toThrow(expect.objectContaining({ code: 'schema_invalid', message: expect.stringContaining(words) }));
  });

  it('takes keys that name parts of a prototype for what they are', () => {
    const validate = compileSchema('{"required": ["constructor"], "properties": {"prototype": {"type": "number"}}, "patternProperties": {"^__proto__$": {"type": "number"}}}');
    expect(validate({}).map(({ path }) => path)).toEqual(['/constructor']);
    // Under `properties` ajv passes over `__proto__`; a pattern reaches it.
    expect(validate(JSON.parse('{"constructor": 1, "prototype": "x", "__proto__": "x"}')).map(({ path }) => path).sort()).toEqual(['/__proto__', '/prototype']);
    expectCleanPrototype();
  });

  it('compiles each source once', () => {
    const source = schema({ type: 'boolean' });
    expect(compileSchema(source)).toBe(compileSchema(source));
  });
});

describe('given a schema that was written to take for ever', () => {
  const alternatives = (depth: number): object => {
    const defs = Array.from({ length: depth }, (_, level) => [`d${level}`, level + 1 === depth ? { const: 1 } : { anyOf: [{ $ref: `#/$defs/d${level + 1}` }, { $ref: `#/$defs/d${level + 1}` }] }] as const);
    return { $defs: Object.fromEntries(defs), $ref: '#/$defs/d0' };
  };

  it.each<[string, object, unknown]>([
    ['a pattern that goes back', { pattern: '^(a+)+$' }, `${'a'.repeat(60)}!`],
    ['a pattern for keys that goes back', { patternProperties: { '^(a|a)*$': {} } }, { [`${'a'.repeat(60)}!`]: 1 }],
    ['alternatives of alternatives', alternatives(40), 0],
    ['uniqueItems over very many items', { uniqueItems: true }, Array.from({ length: 150_000 }, (_, index) => [index])],
  ])('with %s, breaks it off, and refuses it unseen for a while', (_name, source, value) => {
    const validate = compileSchema(schema(source));
    const began = performance.now();
    expect(() => validate(value as never)).toThrow(expect.objectContaining({ code: 'schema_invalid', message: expect.stringContaining('takes longer than') }));
    expect(performance.now() - began).toBeLessThan(3_000);
    const again = performance.now();
    expect(() => validate('b')).toThrow(expect.objectContaining({ code: 'schema_invalid' }));
    expect(performance.now() - again).toBeLessThan(100);
  });

  it('checks what is merely large', () => {
    const validate = compileSchema(schema({ type: 'array', items: { type: 'object', properties: { name: { type: 'string', pattern: '^[a-z]+(-[a-z]+)*$' }, port: { type: 'integer' } }, required: ['name'] } }));
    const large = Array.from({ length: 20_000 }, (_, index) => ({ name: 'orders-service-of-the-north', port: index }));
    expect(validate(large)).toEqual([]);
  });
});

describe('given a value with secrets', () => {
  const judge = (schema: object, value: JsonValue, sealed: readonly SealedSpot[]) => compileSchema(JSON.stringify(schema))(value, sealed).map(({ path, keyword }) => `${path} ${keyword}`);
  const typed = [{ path: '/user', typed: true }];

  it('judges the type of a secret and nothing else of it', () => {
    expect(judge({ properties: { user: { type: 'object', required: ['name'], maxProperties: 0 } } }, { user: {} }, typed)).toEqual([]);
    expect(judge({ properties: { user: { type: 'string', minLength: 1 } } }, { user: {} }, typed)).toEqual(['/user type']);
    expect(judge({ properties: { user: { type: 'string' } } }, { user: {} }, [{ path: '/user', typed: false }])).toEqual([]);
  });

  it('judges whatever is not part of one, however alike the names are', () => {
    expect(judge({ properties: { user: { pattern: 'x' }, users: { pattern: 'x' } }, required: ['more'] }, { user: 'a', users: 'a' }, typed)).toEqual(['/more required', '/users pattern']);
  });

  it('does not let a choice fail for a branch that only a secret decides', () => {
    const choice = { anyOf: [{ properties: { user: { pattern: 'x' } } }, { properties: { user: { const: 1 } } }] };
    expect(judge(choice, { user: 'a' }, typed)).toEqual([]);
    expect(judge({ ...choice, properties: { other: { type: 'string' } } }, { user: 'a', other: 1 }, typed)).toEqual(['/other type']);
  });
});
