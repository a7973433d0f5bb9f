import { connect, silentLogger } from '@trimtab/client';
import { Api, layerPath } from './support/api';
import { openStream } from './support/connections';
import { eventually } from './support/eventually';
import { startServer, type TestServer } from './support/server';

/**
 * `__proto__`, `constructor` and `prototype` are data: they come through every format, edit, merge and transport as they
 * were written, and touch no prototype on the way. Compared as JSON text, because matchers treat them as special too.
 */
let server: TestServer;
let api: Api;

beforeAll(async () => {
  server = await startServer();
  api = new Api(server.url, server.token);
  await api.given({ production: 'base' }, ['orders', 'common', 'typed']);
});
afterAll(() => server.close());

afterEach(() => {
  expect(Reflect.ownKeys(Object.prototype).filter((key) => /pollut/.test(String(key)))).toEqual([]);
  for (const target of [{}, [], Object, Function, () => undefined]) expect((target as { polluted?: unknown }).polluted).toBeUndefined();
  expect(Object.prototype.toString.call({})).toBe('[object Object]');
});

const SOURCES: Readonly<Record<string, readonly [type: string, source: string]>> = {
  json: ['application/json', '{"__proto__":{"polluted":"1","__proto__":{"polluted":"2"}},"constructor":{"prototype":{"polluted":"3"}},"prototype":{"__proto__":"4"},"toString":"5"}'],
  yaml: ['application/yaml', '__proto__:\n  polluted: "1" # one\n  __proto__: {polluted: "2"}\nconstructor:\n  prototype: {polluted: "3"}\nprototype:\n  __proto__: "4"\ntoString: "5"\n'],
  toml: ['application/toml', 'toString = "5"\n\n[__proto__]\npolluted = "1"\n[__proto__.__proto__]\npolluted = "2"\n[constructor.prototype]\npolluted = "3"\n[prototype]\n__proto__ = "4"\n'],
  properties: ['text/x-java-properties', '__proto__.polluted=1\n__proto__.__proto__.polluted=2\nconstructor.prototype.polluted=3\nprototype.__proto__=4\ntoString=5\n'],
};
const VALUE: unknown = JSON.parse(SOURCES['json']![1]);

/** JSON text with the keys of every object in order. */
function sorted(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(sorted).join()}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'nothing';
  const members = Object.keys(value).sort().map((key) => `${JSON.stringify(key)}:${sorted(Object.getOwnPropertyDescriptor(value, key)?.value)}`);
  return `{${members.join()}}`;
}

const own = (value: unknown, ...path: string[]): unknown =>
  path.reduce<unknown>((inner, key) => Object.getOwnPropertyDescriptor(inner as object, key)?.value, value);

const put = (layer: string, name: string, format: string) => api.must('PUT', `${layerPath(layer)}/documents/${name}`, SOURCES[format]![1], { 'content-type': SOURCES[format]![0] });
const patch = (layer: string, name: string, body: string, kind: 'merge-patch' | 'json-patch', query = '') =>
  api.must('PATCH', `${layerPath(layer)}/documents/${name}${query}`, body, { 'content-type': `application/${kind}+json` });
const received = async (target: string, name: string): Promise<string> => sorted(own(await api.values(target), name));
const edited = (change: (copy: Record<string, unknown>) => void): string => {
  const copy = JSON.parse(JSON.stringify(VALUE)) as Record<string, unknown>;
  change(copy);
  return sorted(copy);
};
const set = (value: unknown, path: readonly string[], leaf: unknown): void => {
  const inner = own(value, ...path.slice(0, -1)) as object;
  Object.defineProperty(inner, path.at(-1)!, { value: leaf, enumerable: true, configurable: true, writable: true });
};

describe.each(Object.keys(SOURCES))('given a %s document whose keys are those of every object', (format) => {
  it('comes through as it is', async () => {
    await put('orders@base', format, format);
    expect(await received('orders@production', format)).toBe(sorted(VALUE));
    expect((await api.must('GET', `/v1/config/production/orders/${format}`)).text).toBe(SOURCES[format]![1]);
    const effective = await api.must('GET', `${layerPath('orders@production')}/effective`);
    expect(sorted(own(effective.json, 'documents', format, 'value'))).toBe(sorted(VALUE));
    expect(effective.text).toContain('/constructor/prototype/polluted');
    expect((await api.must('GET', '/v1/config/production/orders?origin=true')).text).toContain('__proto__');
  });

  it('is edited by a merge patch', async () => {
    await put('orders@base', format, format);
    await patch('orders@base', format, '{"__proto__":{"__proto__":{"polluted":"x"}},"constructor":{"prototype":{"added":"y"}}}', 'merge-patch');
    expect(await received('orders@base', format)).toBe(
      edited((copy) => {
        set(copy, ['__proto__', '__proto__', 'polluted'], 'x');
        set(copy, ['constructor', 'prototype', 'added'], 'y');
      }),
    );
  });

  it('is edited at a path, and by a JSON Patch', async () => {
    await put('orders@base', format, format);
    await patch('orders@base', format, '"x"', 'merge-patch', '?path=/__proto__/polluted');
    await patch('orders@base', format, '"y"', 'merge-patch', '?path=constructor.prototype.polluted');
    await patch(
      'orders@base',
      format,
      JSON.stringify([
        { op: 'test', path: '/__proto__/polluted', value: 'x' },
        { op: 'add', path: '/__proto__/constructor', value: 'z' },
        { op: 'remove', path: '/prototype/__proto__' },
        { op: 'copy', from: '/__proto__/polluted', path: '/prototype/constructor' },
      ]),
      'json-patch',
    );
    expect(await received('orders@base', format)).toBe(
      edited((copy) => {
        set(copy, ['__proto__', 'polluted'], 'x');
        set(copy, ['constructor', 'prototype', 'polluted'], 'y');
        set(copy, ['__proto__', 'constructor'], 'z');
        set(copy, ['prototype'], { constructor: 'x' });
      }),
    );
  });

  it('is merged with what is stronger, and compared', async () => {
    await put('orders@base', format, format);
    await patch('orders@production', format, '{"__proto__":{"polluted":"strong"},"constructor":{"prototype":{"more":"m"}}}', 'merge-patch');
    expect(await received('orders@production', format)).toBe(
      edited((copy) => {
        set(copy, ['__proto__', 'polluted'], 'strong');
        set(copy, ['constructor', 'prototype', 'more'], 'm');
      }),
    );
    const { json } = await api.must('GET', '/api/v1/compare?service=orders&from=base&to=production');
    const { changes } = (json.documents as { name: string; changes: { path: string }[] }[]).find(({ name }) => name === format)!;
    expect(changes.map(({ path }) => path).sort()).toEqual(['/__proto__/polluted', '/constructor/prototype/more']);
    await api.must('DELETE', `${layerPath('orders@production')}/documents/${format}`);
  });
});

describe('given a schema about such keys', () => {
  const schema = '{"type":"object","properties":{"__proto__":{"type":"object","properties":{"polluted":{"type":"string"}}},"constructor":{"type":"object"}},"required":["__proto__","constructor"]}';

  it('is held', async () => {
    await put('typed@base', 'application', 'json');
    await api.must('PUT', `${layerPath('typed@base')}/schemas/application`, schema, { 'content-type': 'application/schema+json' });
    expect((await api.must('GET', `${layerPath('typed@base')}/schemas/application`)).text).toBe(schema);
    const wrong = await api.request('PUT', `${layerPath('typed@base')}/documents/application`, '{"__proto__":{"polluted":1},"constructor":{}}', { 'content-type': 'application/json' });
    expect(wrong.json).toMatchObject({ code: 'schema_violation', violations: [{ path: '/__proto__/polluted' }, { path: '/__proto__/polluted' }] });
    const missing = await api.request('PUT', `${layerPath('typed@base')}/documents/application`, '{}', { 'content-type': 'application/json' });
    const paths = (missing.json.violations as { path: string }[]).map(({ path }) => path);
    expect(new Set(paths)).toEqual(new Set(['/__proto__', '/constructor']));
  });
});

describe('given a client', () => {
  it('holds them as data, through a snapshot and a delta, and touches no prototype', async () => {
    await put('common@base', 'application', 'yaml');
    const config = await connect({ url: server.url, key: server.token, service: 'common', environment: 'production', diskSnapshot: false, logger: silentLogger });
    const stream = await openStream(server.url, server.token, { service: 'common', environment: 'production' });
    try {
      expect(sorted(config.snapshot())).toBe(sorted(VALUE));
      expect(config.get(['__proto__', '__proto__', 'polluted'])).toBe('2');
      expect(config.get(['constructor', 'prototype', 'polluted'])).toBe('3');
      expect(config.get(['__proto__', 'nothing'])).toBeUndefined();
      expect(config.get(['valueOf'])).toBeUndefined();
      expect(Object.getPrototypeOf(config.snapshot())).toBe(Object.prototype);

      const seen: string[] = [];
      config.watch('__proto__' as never, ({ changedPaths }) => seen.push(...changedPaths.map(String)));
      await patch('common@base', 'application', '{"__proto__":{"polluted":"new"},"constructor":null}', 'merge-patch');
      const expected = edited((copy) => {
        set(copy, ['__proto__', 'polluted'], 'new');
        delete copy['constructor'];
      });
      await eventually(() => expect(sorted(config.snapshot())).toBe(expected));
      expect(config.get(['constructor'])).toBeUndefined();
      await eventually(() => expect(seen.length).toBeGreaterThan(0));
      await eventually(() => expect(stream.messages.map(({ type }) => type).filter((type) => type !== 'bookmark')).toHaveLength(2));
    } finally {
      await config.close();
      stream.close();
      await stream.ended;
    }
  });

  it('may be labelled by them', async () => {
    const labels = JSON.parse('{"__proto__":"a","constructor":"b"}') as Record<string, string>;
    const config = await connect({ url: server.url, key: server.token, service: 'common', environment: 'base', labels, diskSnapshot: false, logger: silentLogger });
    try {
      const { json } = await api.must('GET', '/api/v1/instances?service=common&environment=base');
      expect(sorted(json.items[0].labels)).toBe('{"__proto__":"a","constructor":"b"}');
    } finally {
      await config.close();
    }
  });
});

describe('given an import', () => {
  it('takes them as keys, and as no names', async () => {
    const content = '__proto__.polluted: 1\nconstructor:\n  prototype.polluted: 2\n';
    await api.must('POST', '/api/v1/imports', { files: [{ path: 'imported.yml', content }] });
    expect(await received('imported@base', 'application')).toBe('{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":2}}}');
    for (const path of ['__proto__.yml', 'orders-__proto__.yml', '__proto__/orders.yml']) {
      const answer = await api.post('/api/v1/imports', { files: [{ path, content: 'a: 1\n' }], dryRun: true });
      expect([path, answer.status === 200 ? answer.json.services : answer.json.code]).toEqual([path, expect.anything()]);
      expect(answer.status).not.toBe(500);
    }
    const environments = JSON.parse('{"__proto__":"production","constructor":"production"}') as object;
    expect((await api.post('/api/v1/imports', { files: [{ path: 'imported.yml', content }], environments, dryRun: true })).status).toBe(200);
  });
});
