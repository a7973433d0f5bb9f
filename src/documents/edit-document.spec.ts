import { readdirSync, readFileSync } from 'node:fs';
import type { JsonValue } from '@trimtab/client/protocol';
import type { Format, KeyStyle } from './document-type';
import { editDocument, type JsonPatchInput } from './edit-document';
import { parseDocument } from './parse-document';
import { splitYaml } from './split-yaml';
import { expectCleanPrototype } from './testing/hostile-keys';

function merge(format: Format, source: string, value: JsonValue, path: string[] = [], keys: KeyStyle = 'literal'): string {
  return editDocument(parseDocument(source, { format, keys }), { kind: 'merge', path, value });
}

function patch(format: Format, source: string, operations: JsonPatchInput[], keys: KeyStyle = 'literal'): string {
  return editDocument(parseDocument(source, { format, keys }), { kind: 'json-patch', operations });
}

describe('given a YAML document', () => {
  const source = `# head
db:
  # of the pool
  pool: {max: 10, min: 1} # flow
  url: 'jdbc:x'   # quoted

  note: |
    two
    lines
hosts:
  - a # first
  # the second
  - b
`;

  it('changes a value and nothing else', () => {
    expect(merge('yaml', source, { db: { pool: { max: 50 } } })).toBe(source.replace('max: 10', 'max: 50'));
    expect(merge('yaml', source, 'jdbc:y', ['db', 'url'])).toBe(source.replace("'jdbc:x'", "'jdbc:y'"));
    expect(merge('yaml', source, 'one', ['db', 'note'])).toBe(source.replace('|\n    two\n    lines', 'one'));
  });

  it('adds a key behind its siblings, indented as they are', () => {
    expect(merge('yaml', source, { db: { user: { name: 'x', roles: ['r'] } } })).toBe(
      source.replace('    lines\n', '    lines\n  user:\n    name: x\n    roles:\n      - r\n'),
    );
  });

  it('removes a key with its line and leaves the comments around it', () => {
    expect(merge('yaml', source, { db: { pool: null } })).toBe(source.replace('  pool: {max: 10, min: 1} # flow\n', ''));
    expect(merge('yaml', source, { hosts: null })).toBe(source.slice(0, source.indexOf('hosts:')));
  });

  it('inserts, removes and replaces items of a list where they stand', () => {
    expect(patch('yaml', source, [{ op: 'add', path: '/hosts/1', value: 'x' }])).toBe(source.replace('- a # first\n', '- a # first\n  - x\n'));
    expect(patch('yaml', source, [{ op: 'remove', path: '/hosts/0' }])).toBe(source.replace('  - a # first\n', ''));
    expect(patch('yaml', source, [{ op: 'replace', path: '/hosts/1', value: 'c' }, { op: 'add', path: '/hosts/-', value: 'd' }])).toBe(source.replace('- b\n', '- c\n  - d\n'));
  });

  it('keeps a byte order mark and the line ends of the file', () => {
    expect(merge('yaml', '\uFEFFa: 1\r\nb: 2\r\n', { a: 3, c: { d: 4 } })).toBe('\uFEFFa: 3\r\nb: 2\r\nc:\r\n  d: 4\r\n');
    expect(merge('yaml', 'a: 1', { b: 2 })).toBe('a: 1\nb: 2');
  });

  it('writes out what an alias stands for when one side of it changes, and only then', () => {
    const anchored = 'a: &x # anchor\n  p: 1\n  q: 2\nb: *x # alias\nc:\n  <<: *x\n  q: 3\n';
    expect(merge('yaml', anchored, { b: { p: 5 } })).toBe(anchored.replace('b: *x # alias\n', 'b: # alias\n  p: 5\n  q: 2\n'));
    expect(merge('yaml', anchored, { c: { p: 7 } })).toBe(`${anchored}  p: 7\n`);
    expect(merge('yaml', anchored, { c: { p: null } })).toBe(anchored.replace('  <<: *x\n', ''));
    expect(merge('yaml', anchored, { a: { p: 9 } })).toBe('a: &x # anchor\n  p: 9\n  q: 2\nb: # alias\n  p: 1\n  q: 2\nc:\n  q: 3\n  p: 1\n');
    expect(parseDocument(merge('yaml', anchored, { a: null }), { format: 'yaml', keys: 'literal' }).value).toEqual({ b: { p: 1, q: 2 }, c: { p: 1, q: 3 } });
  });
});

describe('given a document with dotted keys', () => {
  const source = 'logging.level.root: INFO # root\nlogging:\n  level:\n    com.x: DEBUG\nserver.port: 80\n';

  it('finds a path in whichever form it is written', () => {
    expect(merge('yaml', source, { logging: { level: { root: 'WARN' } } }, [], 'dotted')).toBe(source.replace('INFO', 'WARN'));
    expect(merge('yaml', source, 'TRACE', ['logging', 'level', 'com', 'x'], 'dotted')).toBe(source.replace('DEBUG', 'TRACE'));
    expect(merge('yaml', source, { 'logging.level.com.x': null }, [], 'dotted')).toBe(source.replace('logging:\n  level:\n    com.x: DEBUG\n', ''));
    expect(patch('yaml', source, [{ op: 'replace', path: '/server.port', value: 81 }], 'dotted')).toBe(source.replace('80', '81'));
  });

  it('lets a level go with the last of its leaves', () => {
    expect(merge('properties', 'server.port=80\nx=1\n', { server: { port: null } })).toBe('x=1\n');
    expect(merge('yaml', source, { 'server.port': null }, [], 'dotted')).toBe(source.replace('server.port: 80\n', ''));
  });

  it('adds a path beside those it shares most with', () => {
    expect(merge('yaml', source, { 'logging.level.com.y': 'INFO' }, [], 'dotted')).toBe(source.replace('com.x: DEBUG\n', 'com.x: DEBUG\n    com.y: INFO\n'));
    expect(merge('yaml', source, { 'server.host': 'h' }, [], 'dotted')).toBe(`${source}server.host: h\n`);
  });
});

describe('given .properties', () => {
  const source = '# head\r\nlogging.level.com.example = DEBUG\r\nlogging.level.com.example.web = TRACE\r\n! list\r\npath = a;\\\r\n    b\r\nempty\r\n';

  it('changes, adds and removes entries and leaves the rest as it is', () => {
    expect(merge('properties', source, { path: 'c:\\d=e' })).toBe(source.replace('a;\\\r\n    b', 'c:\\\\d=e'));
    expect(merge('properties', source, { 'logging.level.com.example.web': 'INFO' })).toBe(source.replace('TRACE', 'INFO'));
    expect(merge('properties', source, { 'logging.level.com.example': null })).toBe(source.replace('logging.level.com.example = DEBUG\r\n', ''));
    expect(merge('properties', source, { logging: { level: { root: 'WARN' } } })).toBe(source.replace('= TRACE\r\n', '= TRACE\r\nlogging.level.root = WARN\r\n'));
    expect(merge('properties', source, { empty: 'x' })).toBe(source.replace('empty', 'empty = x'));
  });

  it('writes numbers and booleans as text and refuses what has none', () => {
    expect(merge('properties', 'a=1\n', { b: { c: 5, d: true } })).toBe('a=1\nb.c=5\nb.d=true\n');
    for (const value of [[1], {}]) {
      expect(() => merge('properties', 'a=1\n', { b: value })).toThrow(expect.objectContaining({ code: 'value_not_representable', pointer: '/b' }));
    }
  });
});

describe('given a TOML document', () => {
  const source = "# head\ntitle = 'x' # t\n\n[server]\nport = 80 # p\n# tls\ntls.on = true\n\n[server.pool]\nsizes = [\n  1, # one\n  2, # two\n]\n\n[[host]]\nname = \"a\"\n\n[[host]]\nname = \"b\" # b\n";

  it('changes values where they stand, with the quotes they have', () => {
    expect(merge('toml', source, { title: 'y', server: { port: 81, tls: { on: false } } })).toBe(source.replace("'x'", "'y'").replace('80', '81').replace('true', 'false'));
  });

  it('adds keys to the table they belong to, and tables at the end', () => {
    expect(merge('toml', source, { server: { tls: { cert: 'c' } } })).toBe(source.replace('tls.on = true\n', 'tls.on = true\ntls.cert = "c"\n'));
    expect(merge('toml', source, { top: 1 })).toBe(source.replace('# t\n', '# t\ntop = 1\n'));
    expect(merge('toml', source, { log: { level: 'info', to: { file: 'f' } } })).toBe(`${source}\n[log]\nlevel = "info"\n\n[log.to]\nfile = "f"\n`);
  });

  it('edits lists and arrays of tables item by item', () => {
    expect(merge('toml', source, [2, 3], ['server', 'pool', 'sizes'])).toBe(source.replace('  1, # one\n', '').replace('  2, # two\n', '  2, # two\n  3,\n'));
    expect(patch('toml', source, [{ op: 'remove', path: '/host/0' }])).toBe(source.replace('\n[[host]]\nname = "a"\n', ''));
    expect(patch('toml', source, [{ op: 'add', path: '/host/-', value: { name: 'c' } }])).toBe(`${source}\n[[host]]\nname = "c"\n`);
  });

  it('writes only that list inline whose tables can no longer stand below headers', () => {
    const tables = `# head\ntitle = 'x'\n\n[[host]]\nname = "a"\n\n# the log\n[log] # of all\n# how much\nlevel = 'info' # quoted\nto.file = "f"\n`;
    const [inline, below] = ['host = [{ name = "a" }, "b"]', tables.slice(tables.indexOf('\n# the log')).replace("'info'", "'warn'")];
    expect(merge('toml', tables, { host: [{ name: 'a' }, 'b'], log: { level: 'warn' } })).toBe(`# head\ntitle = 'x'\n${inline}\n${below}`);
    expect(merge('toml', tables, { host: ['c'], log: { level: 'warn' } })).toBe(`# head\ntitle = 'x'\nhost = ["c"]\n${below}`);
    const first = [{ op: 'add', path: '/host/0', value: { name: 'z' } }, { op: 'replace', path: '/log/level', value: 'warn' }] as const;
    expect(patch('toml', tables, [...first])).toBe(`# head\ntitle = 'x'\nhost = [{ name = "z" }, { name = "a" }]\n${below}`);
  });

  it('has no null', () => {
    expect(() => patch('toml', source, [{ op: 'add', path: '/title', value: null }])).toThrow(expect.objectContaining({ code: 'value_not_representable', pointer: '/title' }));
    expect(() => patch('toml', source, [{ op: 'replace', path: '', value: [1] }])).toThrow(expect.objectContaining({ code: 'value_not_representable' }));
  });
});

describe('given a JSON document', () => {
  it('keeps its layout, on one line or on many', () => {
    expect(merge('json', '{\n    "a": 1,\n    "b": {"c":[1,2]}\n}\n', { b: { c: [1, 2, 3] }, d: { e: 1 } })).toBe('{\n    "a": 1,\n    "b": {"c":[1,2,3]},\n    "d": {\n        "e": 1\n    }\n}\n');
    expect(merge('json', '{"a":1,"b":2}', { a: null, c: [1, { d: 2 }] })).toBe('{"b":2,"c":[1,{"d":2}]}');
  });
});

describe('given a JSON Patch', () => {
  const source = 'a: 1\nb: [x, y]\nc: {d: 1}\n';

  it('applies every operation of RFC 6902', () => {
    expect(patch('yaml', source, [
      { op: 'test', path: '/b/0', value: 'x' },
      { op: 'copy', from: '/c', path: '/e' },
      { op: 'move', from: '/a', path: '/c/a' },
      { op: 'replace', path: '/b/1', value: 'z' },
      { op: 'add', path: '/b/-', value: 'w' },
      { op: 'remove', path: '/c/d' },
    ])).toBe('b: [x, z, w]\nc: {a: 1}\ne:\n  d: 1\n');
  });

  it.each<[string, JsonPatchInput]>([
    ['no such key', { op: 'remove', path: '/x' }],
    ['no such parent', { op: 'add', path: '/x/y', value: 1 }],
    ['an index past the end', { op: 'add', path: '/b/3', value: 1 }],
    ['a leading zero', { op: 'replace', path: '/b/00', value: 1 }],
    ['a test of another value', { op: 'test', path: '/a', value: '1' }],
    ['a move into itself', { op: 'move', from: '/c', path: '/c/d' }],
    ['nothing to copy', { op: 'copy', from: '/x', path: '/y' }],
    ['a prototype', { op: 'test', path: '/__proto__', value: {} }],
    ['no pointer', { op: 'remove', path: 'a' }],
  ])('names the operation that fails: %s', (_, failing) => {
    expect(() => patch('yaml', source, [{ op: 'test', path: '/a', value: 1 }, failing])).toThrow(
      expect.objectContaining({ code: 'patch_failed', pointer: failing.path, extra: { operation: 1 } }),
    );
  });

  it('sets keys that name parts of a prototype as data', () => {
    const edited = patch('json', '{}', [{ op: 'add', path: '/__proto__', value: {} }, { op: 'add', path: '/__proto__/polluted', value: true }, { op: 'add', path: '/constructor', value: { prototype: 1 } }]);
    expect(JSON.stringify(JSON.parse(edited))).toBe('{"__proto__":{"polluted":true},"constructor":{"prototype":1}}');
    expectCleanPrototype();
  });
});

describe('given a patch that no document can take', () => {
  it('refuses numbers that were rounded on the way, and depth without end', () => {
    expect(() => merge('json', '{}', { a: 12345678901234567890 })).toThrow(expect.objectContaining({ code: 'number_out_of_range' }));
    let deep: JsonValue = 1;
    for (let depth = 0; depth < 50_000; depth += 1) deep = [deep];
    expect(() => merge('json', '{}', { a: deep })).toThrow(expect.objectContaining({ code: 'document_too_deep' }));
  });

  it('refuses keys in a text', () => {
    expect(() => merge('text', 'words', { a: 1 })).toThrow(expect.objectContaining({ code: 'patch_failed' }));
  });

  it('refuses a result beyond the limits', () => {
    const document = parseDocument('{}', { format: 'json', keys: 'literal' });
    expect(() => editDocument(document, { kind: 'merge', path: ['a'], value: 'x'.repeat(100) }, { maxBytes: 50, maxDepth: 64, maxAliasExpansion: 100 })).toThrow(expect.objectContaining({ code: 'document_too_large' }));
  });
});

describe('given the configuration of Spring PetClinic', () => {
  const parts = readdirSync('examples/petclinic-config').filter((name) => name.endsWith('.yml')).flatMap((name) =>
    splitYaml(readFileSync(`examples/petclinic-config/${name}`, 'utf8')).map((part) => [`${name}:${part.line}`, part.source] as const),
  );

  it.each(parts)('changes any one leaf of %s on its line only', (_, source) => {
    const document = parseDocument(source, { format: 'yaml', keys: 'dotted' });
    const leaves = (value: JsonValue, path: string[]): string[][] =>
      typeof value === 'object' && value !== null ? Object.entries(value).flatMap(([key, child]) => leaves(child as JsonValue, [...path, key])) : [path];
    for (const path of leaves(document.value, [])) {
      const edited = editDocument(document, { kind: 'merge', path, value: 'changed' });
      const [before, after] = [source.split('\n'), edited.split('\n')];
      expect(after).toHaveLength(before.length);
      const changed = after.filter((line, index) => line !== before[index]);
      expect(changed.every((line) => line.includes('changed'))).toBe(true);
    }
  });
});

describe('given very long gaps', () => {
  const gap = ' '.repeat(100_000);

  it.each<[Format, string, () => string]>([
    ['json', 'behind the last item', () => merge('json', `{\n  "a": 1${gap}\n}`, { b: 2 })],
    ['json', 'behind an item that goes', () => merge('json', `{\n  "a": 1,\n  "b": 2,${gap}"c": 3\n}`, { b: null })],
    ['toml', 'behind the last item', () => patch('toml', `a = [\n  1${gap}\n]\n`, [{ op: 'add', path: '/a/-', value: 2 }])],
    ['toml', 'behind an item that goes', () => patch('toml', `a = [ # all\n  1, # one\n  2${gap},${gap}3\n]\n`, [{ op: 'remove', path: '/a/1' }])],
    ['yaml', 'in a text', () => merge('yaml', 'a: 1\n', { b: `x${'\n'.repeat(100_000)}\t` })],
  ])('edits %s at once: %s', (format, _where, edit) => {
    const began = performance.now();
    parseDocument(edit(), { format, keys: 'literal' });
    expect(performance.now() - began).toBeLessThan(3_000);
  });
});
