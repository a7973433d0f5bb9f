import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { DomainError } from '../kernel/domain-error';
import type { Format, KeyStyle } from './document-type';
import { decodeSource, parseDocument } from './parse-document';
import { splitYaml } from './split-yaml';
import { expectCleanPrototype, HOSTILE_KEYS } from './testing/hostile-keys';

const STRUCTURED = ['json', 'yaml', 'toml', 'properties'] as const satisfies readonly Format[];
const LIMITS = { maxBytes: 1024 * 1024, maxDepth: 64, maxAliasExpansion: 100 };

function value(format: Format, source: string, keys: KeyStyle = 'literal'): unknown {
  return parseDocument(source, { format, keys }).value;
}

function refusal(format: Format, source: string, keys: KeyStyle = 'literal'): { code: string; line?: unknown; column?: unknown; lines?: unknown } {
  try {
    parseDocument(source, { format, keys });
  } catch (error) {
    if (error instanceof DomainError) return { code: error.code, ...error.extra };
    throw error;
  }
  throw new Error(`accepted: ${source.slice(0, 80)}`);
}

describe('given bytes', () => {
  it('keeps a byte order mark in the source and out of the value', () => {
    const source = decodeSource(Buffer.from('\uFEFFa: 1\n'), LIMITS);
    expect(source).toBe('\uFEFFa: 1\n');
    expect(value('yaml', source)).toEqual({ a: 1 });
    expect(value('json', '\uFEFF{"a":1}')).toEqual({ a: 1 });
    expect(value('toml', '\uFEFFa = 1')).toEqual({ a: 1 });
    expect(value('properties', '\uFEFFa = 1')).toEqual({ a: '1' });
  });

  it.each([
    [[0x61, 0xff, 0x62], 1],
    [[0x61, 0x62, 0xc3], 2],
    [[0x61, 0xe2, 0x82, 0x41], 1],
    [[0xed, 0xa0, 0x80], 0],
    [[0xf5], 0],
  ])('names where in %j the first sequence begins that is not UTF-8', (bytes, offset) => {
    expect(() => decodeSource(Uint8Array.from(bytes), LIMITS)).toThrow(expect.objectContaining({ code: 'invalid_utf8', extra: { offset } }));
  });

  it('refuses more than the limit before it looks at them', () => {
    expect(() => decodeSource(new Uint8Array(11).fill(0xff), { maxBytes: 10 })).toThrow(expect.objectContaining({ code: 'document_too_large' }));
    expect(() => parseDocument('ü'.repeat(6), { format: 'text', keys: 'literal' }, { ...LIMITS, maxBytes: 11 })).toThrow(expect.objectContaining({ code: 'document_too_large' }));
  });
});

describe('given JSON', () => {
  it.each([
    ['{"a": [1, 2', 1, 12],
    ['{\n  "a": 1,\n}', 3, 1],
    ['{"a": 01}', 1, 8],
    ['{"a": 1} x', 1, 10],
    ['// no\n{}', 1, 1],
    ['{"a": "x\n"}', 1, 9],
    ['{"a": "\\x"}', 1, 8],
    ['{a: 1}', 1, 2],
    ["{'a': 1}", 1, 2],
    ['', 1, 1],
    ['{"a" 1}', 1, 6],
  ])('names the place of the fault in %j', (source, line, column) => {
    expect(refusal('json', source)).toMatchObject({ code: 'document_syntax', line, column });
  });

  it('refuses a key set twice with both lines', () => {
    expect(refusal('json', '{\n"a": 1,\n"b": {"a": 1},\n"a": 1\n}')).toMatchObject({ code: 'duplicate_key', lines: [2, 4] });
    expect(refusal('json', '{"a":1,"\\u0061":2}').code).toBe('duplicate_key');
  });

  it('agrees with JSON.parse on every JSON value', () => {
    // The arbitrary makes whole numbers of any size, which are refused for a reason of their own.
    const exact = fc.jsonValue({ depthSize: 'medium' }).filter((made) => !/\d{16}/.test(JSON.stringify(made)));
    fc.assert(fc.property(exact, fc.constantFrom(0, 2), (made, indent) => {
      const source = JSON.stringify(made, null, indent);
      expect(JSON.stringify(value('json', source))).toBe(JSON.stringify(made));
    }));
  });
});

describe('given YAML', () => {
  it('expands anchors, aliases and merge keys', () => {
    expect(value('yaml', 'base: &b {x: 1, y: 2}\ncopy: *b\nown:\n  <<: *b\n  y: 3\nlist: [*b]\n')).toEqual({
      base: { x: 1, y: 2 }, copy: { x: 1, y: 2 }, own: { x: 1, y: 3 }, list: [{ x: 1, y: 2 }],
    });
    expect(value('yaml', 'a: &a {x: 1}\nb: &b {x: 2, y: 2}\nc: {<<: [*a, *b]}')).toMatchObject({ c: { x: 1, y: 2 } });
  });

  it('refuses several documents in one source and points to the importer', () => {
    expect(refusal('yaml', 'a: 1\n---\nb: 2\n')).toMatchObject({ code: 'document_multipart', line: 2 });
    expect(() => value('yaml', 'a: 1\n---\nb: 2\n')).toThrow('POST /api/v1/imports');
    expect(value('yaml', '---\na: 1\n...\n')).toEqual({ a: 1 });
  });

  it('takes keys that are no strings as they were typed', () => {
    expect(value('yaml', '8080: a\n1.10: b\ntrue: c\n')).toEqual({ '8080': 'a', '1.10': 'b', true: 'c' });
    expect(refusal('yaml', 'x: 1\n? [a]\n: 1').code).toBe('document_syntax');
  });

  it('reads version 1.2 whatever a directive says: yes is a word', () => {
    expect(value('yaml', '%YAML 1.1\n---\na: yes\nb: 010\nc: 2026-11-22\n')).toEqual({ a: 'yes', b: 10, c: '2026-11-22' });
  });

  it('takes a document of comments only for one that sets nothing', () => {
    expect(value('yaml', '# nothing yet\n')).toEqual({});
    expect(value('yaml', '')).toEqual({});
    expect(value('yaml', 'null')).toBeNull();
  });

  it.each([
    ['a: [1,\n', 'document_syntax'],
    ['a: !custom 1', 'document_syntax'],
    ['a: !!binary aGk=', 'document_syntax'],
    ['a: *nowhere', 'document_syntax'],
    ['a: &a [*a]', 'alias_expansion'],
    ['a: 1\n\tb: 2', 'document_syntax'],
    ['a: b: c', 'document_syntax'],
    ['<<: 1', 'document_syntax'],
  ])('refuses %j', (source, code) => {
    expect(refusal('yaml', source)).toMatchObject({ code, line: expect.any(Number), column: expect.any(Number) });
  });

  it('refuses a key set twice with both lines', () => {
    expect(refusal('yaml', 'a: 1\nb: 2\na: 3\n')).toMatchObject({ code: 'duplicate_key', lines: [1, 3] });
  });

  it('refuses a bomb of aliases at once', () => {
    const levels = 'bcdefghijk'.split('').map((name, index, all) => `${name}: &${name} [${Array(10).fill(`*${all[index - 1] ?? 'a'}`).join()}]`);
    const start = performance.now();
    expect(refusal('yaml', ['a: &a [x, x, x, x, x, x, x, x, x, x]', ...levels].join('\n')).code).toBe('alias_expansion');
    expect(performance.now() - start).toBeLessThan(1000);
  });
});

describe('given YAML whose aliases multiply a large document', () => {
  it('refuses it although each alias is cheap', () => {
    const source = `a: &a "${'x'.repeat(100_000)}"\nb: [${Array(50).fill('*a').join()}]\n`;
    expect(refusal('yaml', source).code).toBe('alias_expansion');
  });
});

describe('given TOML', () => {
  it('reads tables, dotted keys, arrays of tables and inline tables as one tree', () => {
    expect(value('toml', 'a.b = 1\n[c]\nd.e = [1, {f = 2}]\n[c.g]\nh = true\n[[t]]\nn = 1\n[t.u]\nv = "w"\n[[t]]\n"x y" = 2\n')).toEqual({
      a: { b: 1 }, c: { d: { e: [1, { f: 2 }] }, g: { h: true } }, t: [{ n: 1, u: { v: 'w' } }, { 'x y': 2 }],
    });
  });

  it('gives dates and times as their RFC 3339 text', () => {
    expect(value('toml', 'a = 1979-05-27 07:32:00.123456z\nb = 1979-05-27\nc = 07:32\nd = 1979-05-27t00:32:00-07:00')).toEqual({
      a: '1979-05-27T07:32:00.123456Z', b: '1979-05-27', c: '07:32:00', d: '1979-05-27T00:32:00-07:00',
    });
  });

  it.each([
    ['a = 1\nb = 2\na = 3', [1, 3]],
    ['[a]\nx = 1\n[b]\n[a]\n', [1, 4]],
    ['[a]\nx = 1\nx = 2', [2, 3]],
    ['a = 1\na.b = 2', [1, 2]],
    ['[[t]]\nx = 1\n[[t]]\nx = 1\nx = 2', [4, 5]],
  ])('refuses %j with both lines', (source, lines) => {
    expect(refusal('toml', source)).toMatchObject({ code: 'duplicate_key', lines });
  });

  it.each([['a = "x', 1], ['a = 1\nb', 2], ['[a\n', 1], ['a = 1\nb = [1,\n', 2]])('names the place of the fault in %j', (source, line) => {
    const refused = refusal('toml', source);
    expect(refused.code).toBe('document_syntax');
    expect(refused.line).toBeGreaterThanOrEqual(line);
  });
});

describe('given .properties', () => {
  it('reads them as Java does', () => {
    expect(value('properties', '# c\n! c\na=1\nb : 2\nc 3\nd=x\\\n   y\ne\\=f=\\u00e9\\t\ng\n')).toEqual({ a: '1', b: '2', c: '3', d: 'xy', 'e=f': 'é\t', g: '' });
  });

  it('keeps a leaf and what is set below it, whichever comes first', () => {
    const both = { com: { example: 'DEBUG', 'example.web': 'TRACE' } };
    expect(value('properties', 'com.example=DEBUG\ncom.example.web=TRACE')).toEqual(both);
    expect(value('properties', 'com.example.web=TRACE\ncom.example=DEBUG')).toEqual(both);
    expect(value('properties', 'a=1\na.b=2\na.b.c=3')).toEqual({ a: '1', 'a.b': '2', 'a.b.c': '3' });
  });

  it('leaves brackets and indices in the key, and dots in them too', () => {
    expect(value('properties', 'a[0]=x\nlevel.[com.example]=y\nb..c=z\n.d=w')).toEqual({ 'a[0]': 'x', level: { '[com.example]': 'y' }, 'b..c': 'z', '.d': 'w' });
  });

  it('accepts a key set twice to one value and refuses it with two', () => {
    expect(value('properties', 'a.b=1\na.b=1')).toEqual({ a: { b: '1' } });
    expect(refusal('properties', 'a=1\r\nb=2\r\na=3')).toMatchObject({ code: 'duplicate_key', lines: [1, 3] });
  });

  it('names the line of a broken escape', () => {
    expect(refusal('properties', 'a=1\n# \\u1\nb=x\\u12G4')).toMatchObject({ code: 'document_syntax', line: 3, column: 4 });
  });
});

describe('given keys whose dots separate levels', () => {
  it('treats the dotted and the nested form as one path', () => {
    expect(value('yaml', 'logging.level.root: INFO\nlogging:\n  level:\n    com.x: DEBUG\n', 'dotted')).toEqual({ logging: { level: { root: 'INFO', com: { x: 'DEBUG' } } } });
    expect(value('json', '{"a.b": 1, "a": {"c.d": [{"e.f": 2}]}}', 'dotted')).toEqual({ a: { b: 1, c: { d: [{ e: { f: 2 } }] } } });
    expect(value('toml', '"a.b" = 1\n[a]\nc = 2', 'dotted')).toEqual({ a: { b: 1, c: 2 } });
  });

  it('refuses two values for one path with both lines, and accepts one value twice', () => {
    expect(refusal('yaml', 'a.b: 1\na:\n  b: 2\n', 'dotted')).toMatchObject({ code: 'duplicate_key', key: 'a.b', lines: [1, 3] });
    expect(value('yaml', 'a.b: "*"\na:\n  b: \'*\'\n', 'dotted')).toEqual({ a: { b: '*' } });
  });

  it('leaves a dot in a literal key alone', () => {
    expect(value('json', '{"example.com": 1}')).toEqual({ 'example.com': 1 });
  });
});

describe.each(['json', 'yaml', 'toml'] as const)('given numbers in %s', (format) => {
  const write = (literal: string): string => (format === 'json' ? `{"a":\n${literal}}` : format === 'yaml' ? `#\na: ${literal}` : `#\na = ${literal}`);

  it.each(['12345678901234567890', '9007199254740993', '-9007199254740992', '9007199254740993.0'])('refuses %s, which would be rounded', (literal) => {
    expect(refusal(format, write(literal))).toMatchObject({ code: 'number_out_of_range', line: 2 });
  });

  it('refuses what is no finite number', () => {
    const literals = { json: ['1e400', '-1e400'], yaml: ['1e400', '.inf', '-.INF', '.nan'], toml: ['1e400', 'inf', '-inf', 'nan'] };
    for (const literal of literals[format]) expect(refusal(format, write(literal))).toMatchObject({ code: 'value_not_representable', line: 2 });
  });

  it.each(['0.1', '-0', '9007199254740991', '1e20', '1.5e300', '1e-7', '0.30000000000000004'])('takes %s', (literal) => {
    expect((value(format, write(literal)) as { a: number }).a + 0).toBe(Number(literal) + 0);
  });
});

describe('given deep nesting', () => {
  const deep: Record<(typeof STRUCTURED)[number], (depth: number) => string> = {
    json: (depth) => '['.repeat(depth) + ']'.repeat(depth),
    yaml: (depth) => `a: ${'['.repeat(depth - 1)}${']'.repeat(depth - 1)}`,
    toml: (depth) => `a = ${'['.repeat(depth - 1)}${']'.repeat(depth - 1)}`,
    properties: (depth) => `${'a.'.repeat(depth - 1)}a=1`,
  };

  it.each(STRUCTURED)('takes 64 levels of %s, refuses 65 and survives 100,000', (format) => {
    expect(() => value(format, deep[format](64))).not.toThrow();
    expect(refusal(format, deep[format](65)).code).toBe('document_too_deep');
    expect(refusal(format, deep[format](100_000)).code).toBe('document_too_deep');
  });

  it.each([
    ['json', '['.repeat(100_000)],
    ['json', '{"a":'.repeat(100_000)],
    ['yaml', '['.repeat(100_000)],
    ['yaml', '- '.repeat(100_000)],
    ['yaml', '? '.repeat(100_000)],
    ['toml', `a = ${'['.repeat(100_000)}`],
    ['toml', `a${'.a'.repeat(100_000)} = 1`],
  ] as const)('refuses unclosed %s', (format, source) => {
    expect(['document_too_deep', 'document_syntax']).toContain(refusal(format, source).code);
  });
});

describe('given keys that name parts of a prototype', () => {
  it.each(STRUCTURED)('takes them as data in %s, at any depth', (format) => {
    for (const key of HOSTILE_KEYS) {
      const inner = Object.fromEntries([[key, format === 'properties' ? '1' : 1]]);
      const nested = Object.fromEntries([[key, Object.fromEntries([['x', inner]])]]);
      const source = { json: JSON.stringify(nested), yaml: `${key}:\n  x:\n    ${key}: 1\n`, toml: `[${key}.x]\n${key} = 1\n`, properties: `${key}.x.${key}=1\n` }[format];
      const parsed = value(format, source);
      expect(JSON.stringify(parsed)).toBe(JSON.stringify(nested));
      expect(Object.hasOwn(parsed as object, key)).toBe(true);
    }
    expectCleanPrototype();
  });
});

describe.each(STRUCTURED)('given garbage as %s', (format) => {
  it('fails with an error that can be told to a person, or not at all', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 60 }),
      fc.string({ unit: fc.constantFrom(...'{}[]:,"\'#&*!|>-?=. \n\t\\u01ae<%@`~'), maxLength: 40 }),
    );
    fc.assert(
      fc.property(text, fc.constantFrom<KeyStyle>('literal', 'dotted'), (source, keys) => {
        try {
          const document = parseDocument(source, { format, keys });
          expect(JSON.parse(JSON.stringify(document.value))).toEqual(document.value);
          document.lineOf(['a']);
        } catch (error) {
          if (!(error instanceof DomainError)) throw error;
        }
      }),
      { numRuns: 500 },
    );
    expectCleanPrototype();
  });
});

describe('given the lines of keys', () => {
  it.each([
    ['json', '{\n"a": 1,\n"b": {\n"c": [1,\n2]}}', [['a', 2], ['b', 3], ['b.c', 4], ['b.c.1', 5]]],
    ['yaml', 'a: 1\nb:\n  # c\n  c:\n    - 1\n    - x: 2\n', [['a', 1], ['b', 2], ['b.c', 4], ['b.c.1.x', 6]]],
    ['toml', 'a = 1\n[b]\nc.d = [1,\n2]\n[[t]]\nx = 1\n[[t]]\nx = 2', [['a', 1], ['b', 2], ['b.c', 3], ['b.c.d.1', 4], ['t', 5], ['t.1.x', 8]]],
    ['properties', '# c\na.b=1\nc=x\\\n y\nd=2', [['a', 2], ['a.b', 2], ['c', 3], ['d', 5]]],
  ] as const)('knows them in %s', (format, source, lines) => {
    const document = parseDocument(source, { format, keys: 'literal' });
    for (const [path, line] of lines) expect([path, document.lineOf(path.split('.'))]).toEqual([path, line]);
    expect(document.lineOf(['nowhere'])).toBeUndefined();
  });

  it('answers with the alias for what is behind one', () => {
    expect(parseDocument('a: &a {x: 1}\nb: *a\n', { format: 'yaml', keys: 'literal' }).lineOf(['b', 'x'])).toBe(2);
  });
});

describe('given the configuration of Spring PetClinic', () => {
  const files = readdirSync('examples/petclinic-config').filter((name) => name.endsWith('.yml'));

  it.each(files)('reads every part of %s', (name) => {
    const source = decodeSource(readFileSync(`examples/petclinic-config/${name}`), LIMITS);
    const parts = splitYaml(source);
    expect(parts.length).toBeGreaterThan(0);
    for (const part of parts) {
      expect(value('yaml', part.source, 'dotted')).toEqual(expect.any(Object));
      expect(source.replace('\uFEFF', '').split('\n').slice(part.line - 1).join('\n').startsWith(part.source.trimEnd())).toBe(true);
    }
  });
});
