import type { JsonValue } from '@trimtab/client/protocol';
import fc from 'fast-check';
import { parse as parseYaml } from 'yaml';
import { isJsonObject } from './json-object';
import { parseDocument } from './parse-document';
import { parsePath, parsePointer, formatPointer } from './pointer';
import { serializeValue } from './serialize-document';
import { splitYaml } from './split-yaml';
import { chooseMap } from './testing/commented-source';

const anything = fc.dictionary(
  fc.oneof(fc.string({ maxLength: 8 }), fc.string({ unit: 'binary', maxLength: 6 }), fc.constantFrom('__proto__', '<<', '- x', '? y', '1.0', 'null')),
  fc.jsonValue({ maxDepth: 3, stringUnit: 'binary' }),
).filter((made) => !/\d{16}/.test(JSON.stringify(made))) as fc.Arbitrary<JsonValue>;

describe('given any value', () => {
  it.each(['json', 'yaml'] as const)('writes %s that reads back as the same value', (format) => {
    fc.assert(
      fc.property(anything, (value) => {
        const source = serializeValue(value, format);
        expect(JSON.stringify(parseDocument(source, { format, keys: 'literal' }).value)).toBe(JSON.stringify(JSON.parse(JSON.stringify(value))));
      }),
      { numRuns: 500 },
    );
  });

  it.each(['json', 'yaml', 'toml', 'properties'] as const)('writes %s for what the format can hold', (format) => {
    fc.assert(
      fc.property(fc.gen(), (g) => {
        const value = chooseMap(g, format, 3);
        expect(parseDocument(serializeValue(value, format), { format, keys: 'literal' }).value).toEqual(value);
      }),
      { numRuns: 500 },
    );
  });

  it('quotes what a reader of YAML 1.1 would take for something else', () => {
    const value = { a: 'yes', b: '12:30', c: '2026-11-22', d: '0x1f', e: '1_000', f: 'Off', g: '~', h: 'plain text', i: '.5', j: '=' };
    expect(parseYaml(serializeValue(value, 'yaml'), { version: '1.1' })).toEqual(value);
  });
});

describe('given a value that a format cannot hold', () => {
  it.each([
    ['toml', { a: { b: null } }, '/a/b'],
    ['toml', { a: [1, null] }, '/a/1'],
    ['toml', [1], ''],
    ['properties', 'text', ''],
  ] as const)('refuses it in %s: %j', (format, value, pointer) => {
    expect(() => serializeValue(value, format)).toThrow(expect.objectContaining({ code: 'value_not_representable', pointer }));
  });

  it('flattens lists into properties as Spring does', () => {
    expect(serializeValue({ a: [{ b: 1 }, 'x'], c: [], d: { 'e.f': true } }, 'properties')).toBe('a[0].b=1\na[1]=x\nc=\nd.e.f=true\n');
  });
});

describe('given pointers', () => {
  it('reads what it writes', () => {
    fc.assert(fc.property(fc.array(fc.string()), (path) => expect(parsePointer(formatPointer(path))).toEqual(path)));
  });

  it('takes dots for levels only where no slash begins it', () => {
    expect(parsePath('db.pool.max')).toEqual(['db', 'pool', 'max']);
    expect(parsePath('/db.pool/a~1b~0c')).toEqual(['db.pool', 'a/b~c']);
    expect(parsePath('')).toEqual([]);
    expect(() => parsePointer('/a~2')).toThrow(expect.objectContaining({ code: 'malformed_request' }));
    expect(() => parsePointer('a')).toThrow(expect.objectContaining({ code: 'malformed_request' }));
  });
});

describe('given a file of several YAML documents', () => {
  it('splits it at the markers and keeps comments and lines', () => {
    expect(splitYaml('\uFEFF# first\na: 1\n\n--- # second\n# of b\nb: "--- no marker"\n---\nc: |\n  x\n   ---\n')).toEqual([
      { source: '# first\na: 1\n\n', line: 1 },
      { source: ' # second\n# of b\nb: "--- no marker"\n', line: 4 },
      { source: 'c: |\n  x\n   ---\n', line: 8 },
    ]);
  });

  it('leaves out parts without a value', () => {
    expect(splitYaml('---\n# nothing\n---\na: 1\n...\n---\n')).toEqual([{ source: 'a: 1\n', line: 4 }]);
    expect(splitYaml('')).toEqual([]);
  });

  it('reads back the parts it was made of', () => {
    fc.assert(
      fc.property(fc.gen(), (g) => {
        const values = [chooseMap(g, 'yaml', 2), chooseMap(g, 'yaml', 2), chooseMap(g, 'yaml', 2)].filter((value) => isJsonObject(value) && Object.keys(value).length > 0);
        const parts = splitYaml(values.map((value) => serializeValue(value, 'yaml')).join('---\n'));
        expect(parts.map(({ source }) => parseDocument(source, { format: 'yaml', keys: 'literal' }).value)).toEqual(values);
      }),
    );
  });
});
