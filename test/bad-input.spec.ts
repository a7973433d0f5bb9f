import { request } from 'node:http';
import { Api, layerPath, type Answer } from './support/api';
import { startServer, type TestServer } from './support/server';
import { written } from './support/written';

let server: TestServer;
let api: Api;
let change: string;

beforeAll(async () => {
  server = await startServer();
  api = new Api(server.url, server.token);
  await api.given({ production: 'base' }, ['orders', 'common']);
  const { json } = await api.must('POST', '/api/v1/changes', { title: 'Open' });
  change = `/api/v1/changes/${json.id}`;
  await api.must('PUT', `${change}/services/orders/environments/base/documents/application`, 'a: 1\n', { 'content-type': 'application/yaml' });
});
afterAll(() => server.close());

/** Whatever an earlier case got through. Makes no revision when there is nothing to restore. */
beforeEach(() => api.putYaml('orders@base', '# sizes\ndb:\n  pool:\n    max: 10\nlist: [1, 2]\n'));

const TYPES = {
  json: 'application/json',
  yaml: 'application/yaml',
  toml: 'application/toml',
  properties: 'text/x-java-properties',
  text: 'text/plain',
  merge: 'application/merge-patch+json',
  patch: 'application/json-patch+json',
} as const;
type TypeName = keyof typeof TYPES;

const layer = layerPath('orders@base');
const document = `${layer}/documents/application`;
const repeat = (text: string, times: number): string => text.repeat(times);
/** Nine levels of ten aliases each: a thousand million texts in 300 bytes. */
const bomb = ['a: &a [x,x,x,x,x,x,x,x,x,x]', ...[...'bcdefghij'].map((key, index) => `${key}: &${key} [${repeat(`*${'abcdefghi'[index]},`, 10)}]`)].join('\n');
const mapBomb = ['a: &a {k: x}', ...[...'bcdefghij'].map((key, index) => `${key}: &${key} {${repeat('123456789', 1).replace(/\d/g, (digit) => `k${digit}: *${'abcdefghi'[index]}, `)}}`)].join('\n');

type Case<Source> = readonly [name: string, type: TypeName, source: Source, status: number, code: string, members?: object];
/** jest takes a parameter too many for a callback. */
const withMembers = <Source>(cases: readonly Case<Source>[]) => cases.map(([name, type, source, status, code, members = {}]) => [name, type, source, status, code, members] as const);

/** Refused as it should be: said clearly, nothing leaked, nothing written, and the next request is answered. */
async function expectRefused(send: () => Promise<Answer>, status: number, code: string, members: object = {}): Promise<Answer> {
  const before = await written(server.database.dataSource);
  const answer = await send();
  expect({ status: answer.status, ...answer.json }).toMatchObject({ code, status, ...members });
  expect(answer.status).toBe(status);
  expect(answer.headers.get('content-type')).toBe('application/problem+json');
  expect(answer.json.detail.length).toBeGreaterThan(10);
  expect(answer.text).not.toMatch(/node_modules|[\w-]+\.[jt]s:\d|\bat [\w.<>]+ \(|SELECT|INSERT|typeorm|QueryFailed/i);
  expect(answer.text).not.toContain(process.cwd());
  // A refusal is about the input and does not repeat all of it.
  expect(answer.text.length).toBeLessThan(20_000);
  expect(await written(server.database.dataSource)).toEqual(before);
  return answer;
}

/** One of two codes, where both are right. */
const either = (...codes: string[]): string => expect.stringMatching(new RegExp(`^(${codes.join('|')})$`)) as unknown as string;

describe('given a document', () => {
  const CASES: readonly Case<string | Uint8Array>[] = [
    ['of bytes that are not UTF-8', 'yaml', Uint8Array.of(0x61, 0x3a, 0x20, 0xff), 400, 'invalid_utf8', { offset: 3 }],
    ['whose last character is cut off', 'text', Uint8Array.of(0x61, 0xe2, 0x82), 400, 'invalid_utf8', { offset: 1 }],
    ['of half a surrogate pair', 'json', Uint8Array.of(0x22, 0xed, 0xa0, 0x80, 0x22), 400, 'invalid_utf8', { offset: 1 }],
    ['of an overlong encoding', 'text', Uint8Array.of(0xc0, 0xaf), 400, 'invalid_utf8', { offset: 0 }],
    ['in UTF-16', 'json', Buffer.from('\uFEFF{}', 'utf16le'), 400, 'invalid_utf8', { offset: 0 }],

    ['that is truncated', 'json', '{"a": [1, 2', 422, 'document_syntax', { line: 1 }],
    ['with a comma too many', 'json', '{\n  "a": 1,\n}', 422, 'document_syntax', { line: 3, column: 1 }],
    ['that is nothing', 'json', '', 422, 'document_syntax', { line: 1 }],
    ['with a comment where there are none', 'json', '{} // no', 422, 'document_syntax', { line: 1 }],
    ['with something after it', 'json', '{}{}', 422, 'document_syntax', { line: 1, column: 3 }],
    ['that is no number', 'json', '{"a": NaN}', 422, 'document_syntax', { line: 1, column: 7 }],
    ['with a bracket left open', 'yaml', 'a: [1\nb: 2\n', 422, 'document_syntax', { line: expect.any(Number) }],
    ['with a tab for indentation', 'yaml', 'a:\n\tb: 1\n', 422, 'document_syntax', { line: 2 }],
    ['with an alias of nothing', 'yaml', 'a: *nothing\n', 422, 'document_syntax', { line: 1 }],
    ['with a value left out', 'toml', 'a = 1\nb = = 2\n', 422, 'document_syntax', { line: 2 }],
    ['with half an escape', 'properties', 'a=1\nb=\\u00g1\n', 422, 'document_syntax', { line: 2 }],

    ['100,000 levels deep', 'json', repeat('[', 100_000) + repeat(']', 100_000), 422, 'document_too_deep', { line: 1, column: 65 }],
    ['100,000 objects deep', 'json', repeat('{"a":', 100_000) + '1' + repeat('}', 100_000), 422, 'document_too_deep', { line: 1 }],
    ['100,000 levels deep and truncated', 'json', repeat('[', 100_000), 422, 'document_too_deep', { line: 1 }],
    ['100,000 levels deep', 'yaml', repeat('[', 100_000) + repeat(']', 100_000), 422, 'document_too_deep', { line: 1 }],
    ['100,000 lists deep in a line', 'yaml', repeat('- ', 100_000) + 'x', 422, 'document_too_deep', { line: 1 }],
    ['100,000 maps deep in a line', 'yaml', repeat('{a: ', 100_000) + '1' + repeat('}', 100_000), 422, 'document_too_deep', { line: 1 }],
    ['1,000 levels deep by indentation', 'yaml', Array.from({ length: 1_000 }, (_, depth) => `${repeat(' ', depth)}a:`).join('\n'), 422, 'document_too_deep'],
    ['100,000 levels deep', 'toml', `a = ${repeat('[', 100_000)}${repeat(']', 100_000)}`, 422, 'document_too_deep', { line: 1 }],
    ['with a key of 100,000 levels', 'toml', `${repeat('a.', 100_000)}a = 1`, 422, 'document_too_deep', { line: 1 }],
    ['with a key of 100,000 levels', 'properties', `${repeat('a.', 100_000)}a=1`, 422, 'document_too_deep', { line: 1 }],

    ['of aliases that explode', 'yaml', bomb, 422, 'alias_expansion'],
    ['of aliases of maps that explode', 'yaml', mapBomb, 422, 'alias_expansion'],
    ['with an alias of itself', 'yaml', 'a: &a [*a]\n', 422, either('alias_expansion', 'document_syntax')],
    ['of several parts', 'yaml', 'a: 1\n---\nb: 2\n---\nc: 3\n', 422, 'document_multipart', { line: 2 }],

    ['with a key twice', 'json', '{"a": 1,\n "a": 2}', 422, 'duplicate_key', { line: 2 }],
    ['with a key twice in another spelling', 'json', '{"a": 1, "\\u0061": 2}', 422, 'duplicate_key', { line: 1 }],
    ['with __proto__ twice', 'json', '{"__proto__": 1, "__proto__": 2}', 422, 'duplicate_key', { line: 1 }],
    ['with a key twice', 'yaml', 'a: 1\n"a": 2\n', 422, 'duplicate_key', { line: 2 }],
    ['with a key twice', 'toml', 'a = 1\n[a]\nb = 1\n', 422, either('duplicate_key', 'document_syntax')],
    ['with a key twice', 'properties', 'a.b=1\na.b=2\n', 422, 'duplicate_key', { line: 2 }],

    ['with a number that would be rounded', 'json', '{"n": 9007199254740993}', 422, 'number_out_of_range', { line: 1, column: 7 }],
    ['with a negative number that would be rounded', 'json', '{"n": -9007199254740993}', 422, 'number_out_of_range', { line: 1 }],
    ['with a number beyond every other', 'json', '{"n": 1e999}', 422, 'value_not_representable', { line: 1, column: 7 }],
    ['with a number that would be rounded', 'yaml', 'n: 18446744073709551616\n', 422, 'number_out_of_range', { line: 1 }],
    ['with a number that would be rounded', 'yaml', 'n: 0x7fffffffffffffff\n', 422, 'number_out_of_range', { line: 1 }],
    ['with a number that is none', 'yaml', 'n: .inf\n', 422, either('number_out_of_range', 'value_not_representable')],
    ['with a number that would be rounded', 'toml', 'n = 9223372036854775807\n', 422, 'number_out_of_range', { line: 1 }],

    ['of 1 MiB and a byte', 'text', repeat('x', 1024 * 1024 + 1), 413, 'document_too_large'],
    ['of 10 MB', 'json', `"${repeat('x', 10_000_000)}"`, 413, 'payload_too_large'],
    ['of 10 MB of brackets', 'json', repeat('[', 10_000_000), 413, 'payload_too_large'],
  ];

  it.each(withMembers(CASES))('%s (%s) is refused, and it is said where', async (_name, type, source, status, code, members) => {
    const started = Date.now();
    await expectRefused(() => api.request('PUT', document, source, { 'content-type': TYPES[type] }), status, code, members);
    // A draft may hold what is not right yet; it is never published.
    const { json: draft } = await api.must('POST', '/api/v1/changes', { title: 'A bad one' });
    const taken = await api.request('PUT', `/api/v1/changes/${draft.id}/services/orders/environments/base/documents/other`, source, { 'content-type': TYPES[type] });
    if (taken.status === 200) await expectRefused(() => api.post(`/api/v1/changes/${draft.id}/publish`), status, code);
    else expect(taken.json).toMatchObject({ status, code, ...members });
    await api.must('DELETE', `/api/v1/changes/${draft.id}`);
    expect(Date.now() - started).toBeLessThan(5_000);
  });

  it.each([
    ['document', 'documents/application', '?format=xml', 400, 'malformed_request'],
    ['document', 'documents/application', '?keys=flat', 400, 'malformed_request'],
    ['document', 'documents/application', '?dryRun=perhaps', 400, 'malformed_request'],
    ['document', 'documents/application', '?dryrun=true', 400, 'malformed_request'],
    ['document', 'documents/application', '?message=', 400, 'malformed_request'],
    ['document', 'documents/application', `?message=${repeat('x', 1_001)}`, 400, 'malformed_request'],
    ['document', 'documents/application', '?message=%00', 400, 'malformed_request'],
    ['document', 'documents/application', '?message[]=a', 400, 'malformed_request'],
    ['document', 'documents/application', '?__proto__=a', 400, 'malformed_request'],
    ['document', 'documents/application', '?constructor=a', 400, 'malformed_request'],
    ['schema', 'schemas/application', '?format=json', 400, 'malformed_request'],
  ])('whose query is wrong refuses it (%s, %s%s)', async (_name, path, query, status, code) => {
    const { json } = await expectRefused(() => api.request('PUT', `${layer}/${path}${query}`, '{}', { 'content-type': TYPES.json }), status, code);
    expect(json.detail).toMatch(/query|text/i);
  });
});

describe('given a name', () => {
  const NAMES = [
    '...', '.hidden', 'dot.', 'a/b', '../../etc/passwd', 'a\\b', 'a\0b', '\0', ' ', 'a b', 'é', 'e\u0301', 'orders\u200b', '\u202eorders', 'оrders', 'ｏrders', '💥', '\ud83d',
    'a:b', 'a*', 'a?b', 'a#b', 'a;b', 'a%2fb', "a'b", 'a"b', '$(id)', '{}', 'a\nb', 'a\r\nset-cookie: x=1', '\u007f', repeat('a', 129), repeat('a', 510), repeat('é', 80),
  ];
  const encoded = (name: string): string => (name === '\ud83d' ? '%ED%A0%BD' : encodeURIComponent(name).replace(/\./g, '%2E'));

  it.each(['.', '..'])('%s is part of no path, also encoded', async (name) => {
    // Sent as it is: fetch would resolve it.
    const send = (method: string, path: string): Promise<number | undefined> =>
      new Promise((resolve, reject) => {
        const sent = request({ port: new URL(server.url).port, method, path, headers: { authorization: `Bearer ${server.token}`, 'content-type': TYPES.yaml } }, (response) => {
          response.resume().on('end', () => resolve(response.statusCode));
        });
        sent.on('error', reject).end(method === 'PUT' ? 'a: 1' : undefined);
      });
    const before = await written(server.database.dataSource);
    for (const spelling of [name, name.replaceAll('.', '%2e'), name.replaceAll('.', '%2E')]) {
      expect(await send('PUT', `${layer}/documents/${spelling}`)).toBe(400);
      expect(await send('GET', `/api/v1/services/${spelling}`)).toBe(400);
      expect(await send('GET', `/v1/config/base/${spelling}`)).toBe(400);
      expect(await send('GET', `/v1/config/base/orders/${spelling}`)).toBe(400);
      expect(await send('GET', `/docs/${spelling}`)).toBe(404);
      expect(await send('GET', `/docs/${spelling}%2fpackage.json`)).toBe(404);
    }
    expect(await written(server.database.dataSource)).toEqual(before);
  });

  it.each(NAMES.map((name) => [JSON.stringify(name).slice(0, 40), name]))('%s is none of a document, service or environment', async (_shown, name) => {
    const put = (path: string) => () => api.request('PUT', path, 'a: 1', { 'content-type': TYPES.yaml });
    await expectRefused(put(`${layer}/documents/${encoded(name)}`), 400, 'malformed_request');
    await expectRefused(put(`/api/v1/services/${encoded(name)}/environments/base/documents/application`), 400, 'malformed_request');
    await expectRefused(put(`/api/v1/services/orders/environments/${encoded(name)}/documents/application`), 400, 'malformed_request');
    await expectRefused(() => api.get(`/v1/config/${encoded(name)}/orders`), 400, 'malformed_request');
    await expectRefused(() => api.get(`/v1/config/base/${encoded(name)}`), 400, 'malformed_request');
    await expectRefused(() => api.get(`/v1/config/base/orders/${encoded(name)}`), 400, 'malformed_request');
    await expectRefused(() => api.post('/api/v1/services', { name }), 400, 'malformed_request', { pointer: '/name' });
    await expectRefused(() => api.post('/api/v1/environments', { name }), 400, 'malformed_request', { pointer: '/name' });
    await expectRefused(() => api.include('orders@base', name), 400, 'malformed_request', { pointer: '/includes/0/service' });
  });

  it.each(['ORDERS', '-orders', 'orders-', repeat('a', 64), 'a_b', 'a.b', ''])('%j is none of a service', async (name) => {
    await expectRefused(() => api.post('/api/v1/services', { name }), 400, 'malformed_request', { pointer: '/name' });
  });

  it.each(['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', 'valueOf'])('%s is a name like any other', async (name) => {
    expect((await api.get(`${layer}/documents/${name}`)).json).toMatchObject({ status: 404, code: 'document_not_found' });
    expect((await api.get(`/v1/config/base/orders/${name}`)).json).toMatchObject({ status: 404, code: 'document_not_found' });
    await api.must('PUT', `${layer}/documents/${name}`, `"name": "${name}"`, { 'content-type': TYPES.yaml });
    expect((await api.get(`/v1/config/base/orders/${name}`)).text).toBe(`"name": "${name}"`);
    expect(Object.keys((JSON.parse((await api.get('/v1/config/base/orders')).text) as { documents: object }).documents)).toContain(name);
    await api.must('DELETE', `${layer}/documents/${name}`);
    if (/^[a-z]+$/.test(name)) expect((await api.get(`/v1/config/base/${name}`)).json).toMatchObject({ code: 'service_not_found' });
  });

  it('encoded once is the name, encoded twice is none', async () => {
    expect((await api.get('/api/v1/services/%6Frders')).json).toMatchObject({ name: 'orders' });
    await expectRefused(() => api.get('/api/v1/services/%256Frders'), 400, 'malformed_request', { pointer: '/service' });
  });
});

describe('given a patch', () => {
  it.each(withMembers<string>([
    ['that is truncated', 'merge', '{"a":', 422, 'document_syntax', { line: 1 }],
    ['without a body', 'merge', '', 422, 'document_syntax'],
    ['100,000 levels deep', 'merge', repeat('{"a":', 100_000) + '1' + repeat('}', 100_000), 422, 'document_too_deep'],
    ['that sets a key twice', 'merge', '{"a":1,"a":2}', 422, 'duplicate_key'],
    ['that sets a number that would be rounded', 'merge', '{"a":9007199254740993}', 422, 'number_out_of_range'],
    ['that is an object', 'patch', '{"op":"add"}', 400, 'malformed_request'],
    ['of null', 'patch', '[null]', 400, 'malformed_request', { pointer: '/0' }],
    ['of texts', 'patch', '["add"]', 400, 'malformed_request', { pointer: '/0' }],
    ['without an operation', 'patch', '[{"path":"/a"}]', 400, 'malformed_request', { pointer: '/0/op' }],
    ['of an unknown operation', 'patch', '[{"op":"increase","path":"/a"}]', 400, 'malformed_request', { pointer: '/0/op' }],
    ['of an operation every object has', 'patch', '[{"op":"constructor","path":"/a"}]', 400, 'malformed_request', { pointer: '/0/op' }],
    ['without a path', 'patch', '[{"op":"remove"}]', 400, 'malformed_request', { pointer: '/0/path' }],
    ['without a value', 'patch', '[{"op":"add","path":"/b"}]', 400, 'malformed_request', { pointer: '/0/value' }],
    ['with a path that is no pointer', 'patch', '[{"op":"remove","path":"db.pool"}]', 422, 'patch_failed', { operation: 0 }],
    ['with half an escape', 'patch', '[{"op":"remove","path":"/a~2"}]', 422, 'patch_failed', { operation: 0 }],
    ['with a path that is a number', 'patch', '[{"op":"remove","path":1}]', 400, 'malformed_request', { pointer: '/0/path' }],
    ['with an index past the end', 'patch', '[{"op":"add","path":"/list/9","value":1}]', 422, 'patch_failed', { operation: 0 }],
    ['with an index of two noughts', 'patch', '[{"op":"add","path":"/list/00","value":1}]', 422, 'patch_failed', { operation: 0 }],
    ['with a negative index', 'patch', '[{"op":"remove","path":"/list/-1"}]', 422, 'patch_failed', { operation: 0 }],
    ['with an index of 10^20', 'patch', '[{"op":"add","path":"/list/100000000000000000000","value":1}]', 422, 'patch_failed', { operation: 0 }],
    ['that removes a length', 'patch', '[{"op":"remove","path":"/list/length"}]', 422, 'patch_failed', { operation: 0 }],
    ['that reaches for a prototype', 'patch', '[{"op":"add","path":"/db/__proto__/polluted","value":1}]', 422, 'patch_failed', { operation: 0 }],
    ['that reaches for a constructor', 'patch', '[{"op":"replace","path":"/db/constructor/prototype/polluted","value":1}]', 422, 'patch_failed', { operation: 0 }],
    ['that tests what is inherited', 'patch', '[{"op":"test","path":"/db/toString","value":1}]', 422, 'patch_failed', { operation: 0 }],
    ['that moves into itself', 'patch', '[{"op":"move","from":"/db","path":"/db/pool/db"}]', 422, 'patch_failed', { operation: 0 }],
    ['of 1,001 operations', 'patch', JSON.stringify(Array.from({ length: 1_001 }, () => ({ op: 'test', path: '', value: 1 }))), 400, 'malformed_request', { pointer: '' }],
    ['without a source to copy', 'patch', '[{"op":"copy","path":"/a"}]', 400, 'malformed_request', { pointer: '/0/from' }],
    ['that copies 100 times as deep', 'patch', JSON.stringify(Array.from({ length: 100 }, () => ({ op: 'copy', from: '', path: '/x' }))), 422, 'document_too_deep'],
    ['that doubles again and again', 'patch', JSON.stringify([{ op: 'add', path: '/l', value: ['x'] }, ...Array.from({ length: 60 }, () => ({ op: 'copy', from: '/l', path: '/l/-' }))]), 413, 'document_too_large'],
    ['in another type', 'json', '{"a":1}', 415, 'unsupported_media_type', { supported: [TYPES.merge, TYPES.patch] }],
  ]))('%s (%s) is refused', async (_name, type, body, status, code, members) => {
    const started = Date.now();
    await expectRefused(() => api.request('PATCH', document, body, { 'content-type': TYPES[type] }), status, code, members);
    expect(Date.now() - started).toBeLessThan(5_000);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });

  it.each([['a~2', 400], ['/a~', 400], [repeat('a.', 3_000), 400]])('refuses the path %j', async (path, status) => {
    await expectRefused(() => api.request('PATCH', `${document}?path=${encodeURIComponent(path.startsWith('/') ? path : `/${path}`)}`, '1', { 'content-type': TYPES.merge }), status, 'malformed_request');
  });

  it.each<[string, TypeName, 'merge' | 'patch']>([
    ['a properties document', 'properties', 'merge'],
    ['a properties document', 'properties', 'patch'],
    ['a JSON document', 'json', 'merge'],
    ['a JSON document', 'json', 'patch'],
  ])('of many keys of %s (%s, %s) does not take the server away from others', async (_name, type, kind) => {
    const keys = Array.from({ length: 8_000 }, (_, index) => `k${index}`);
    const source = type === 'json' ? JSON.stringify(Object.fromEntries(keys.map((key) => [key, '1']))) : keys.map((key) => `${key}=1`).join('\n');
    await api.must('PUT', `${layer}/documents/many`, source, { 'content-type': TYPES[type] });
    const patch = kind === 'merge' ? Object.fromEntries(keys.map((key) => [key, '2'])) : keys.slice(0, 1_000).map((key) => ({ op: 'replace', path: `/${key}`, value: '2' }));
    const started = Date.now();
    await api.must('PATCH', `${layer}/documents/many`, JSON.stringify(patch), { 'content-type': TYPES[kind] });
    expect(Date.now() - started).toBeLessThan(5_000);
    await api.must('DELETE', `${layer}/documents/many`);
  });

  it('refuses a path of a thousand levels', async () => {
    await expectRefused(() => api.request('PATCH', `${document}?path=${repeat('a.', 1_000)}a`, '1', { 'content-type': TYPES.merge }), 422, 'document_too_deep');
  });
});

describe('given a number where an integer goes', () => {
  const NUMBERS = ['-1', '1.5', '1e3', '0x10', '01x', '', ' 1', '+1', 'NaN', 'Infinity', '9007199254740993', '99999999999999999999', '１', 'null', 'true', '1;DROP TABLE change', "1'", '1%00'];
  const URLS: readonly ((value: string) => string)[] = [
    (value) => `/api/v1/changes/${value}`,
    (value) => `/api/v1/revisions/${value}`,
    (value) => `${layer}/releases/${value}`,
    (value) => `${layer}/compare?from=${value}&to=1`,
    (value) => `${layer}?asOf=${value}`,
    (value) => `/api/v1/services?limit=${value}`,
    (value) => `/v1/config/base/orders?asOf=${value}`,
    (value) => `/v1/config/base/orders?revision=${value}`,
    (value) => `/v1/config/base/orders?wait=${value}x`,
  ];

  it.each(NUMBERS)('refuses %j in every URL', async (number) => {
    for (const url of URLS) {
      const path = url(number === '1%00' ? number : encodeURIComponent(number));
      const answer = await api.get(path);
      // `/changes/` and the like without anything behind are other routes, or none.
      expect([path, answer.status, answer.json?.code]).toEqual([path, expect.any(Number), expect.stringMatching(number === '' ? /malformed_request|route_not_found/ : /malformed_request/)]);
    }
  });

  it('answers what the largest number names: nothing', async () => {
    expect((await api.get(`/api/v1/changes/${Number.MAX_SAFE_INTEGER}`)).json).toMatchObject({ code: 'change_not_found' });
    expect((await api.get(`/api/v1/revisions/${Number.MAX_SAFE_INTEGER}`)).json).toMatchObject({ code: 'revision_not_found' });
    expect((await api.get(`${layer}/releases/${Number.MAX_SAFE_INTEGER}`)).json).toMatchObject({ code: 'version_not_found' });
    expect((await api.get(`${layer}?asOf=${Number.MAX_SAFE_INTEGER}`)).json).toMatchObject({ code: 'revision_not_found' });
    expect((await api.get(`/v1/config/base/orders?asOf=${Number.MAX_SAFE_INTEGER}`)).json).toMatchObject({ code: 'revision_not_found' });
    expect((await api.post(`${layer}/rollback`, { version: Number.MAX_SAFE_INTEGER })).json).toMatchObject({ code: 'version_not_found' });
    expect((await api.get(`/api/v1/changes?cursor=${Buffer.from(`[${Number.MAX_SAFE_INTEGER}]`).toString('base64url')}`)).status).toBe(200);
  });

  it.each([-1, 1.5, '1', null, true, [1], { value: 1 }, 1e300])('refuses %j in a body', async (version) => {
    await expectRefused(() => api.post(`${layer}/rollback`, { version }), 400, 'malformed_request', { pointer: '/version' });
    if (version !== null) await expectRefused(() => api.request('PUT', `${layer}/includes`, { includes: [{ service: 'common', revision: version }] }), 400, 'malformed_request', { pointer: '/includes/0/revision' });
  });
});

describe('given a header', () => {
  it.each(['"a', 'a', 'W/a', '"a" "b"', ',', '', '"a\u00ff'])('If-Match: %j is refused where it counts', async (ifMatch) => {
    for (const send of [
      () => api.putYaml('orders@base', 'a: 2\n', 'application', { 'if-match': ifMatch }),
      () => api.request('PATCH', '/api/v1/services/orders', { owner: 'x' }, { 'if-match': ifMatch }),
      () => api.request('PATCH', change, { title: 'x' }, { 'if-match': ifMatch }),
      () => api.request('DELETE', change, undefined, { 'if-match': ifMatch }),
      () => api.request('POST', `${change}/publish`, undefined, { 'if-match': ifMatch }),
    ]) {
      const answer = await expectRefused(send, 400, 'malformed_request');
      expect(answer.json.detail).toContain('If-Match');
    }
  });

  it.each(['W/"a"', '"a", "b"', '*x'])('If-Match: %j matches nothing', async (ifMatch) => {
    const { status } = await api.putYaml('orders@base', 'a: 2\n', 'application', { 'if-match': ifMatch });
    expect([400, 412]).toContain(status);
    expect((await api.get(document)).text).toContain('max: 10');
  });

  it.each(['text/html', 'multipart/form-data; boundary=x', 'application/x-www-form-urlencoded', 'nonsense', ';', 'application/json/x', 'application/xml'])('Content-Type: %j is refused where it says nothing', async (type) => {
    await expectRefused(() => api.request('PUT', `${layer}/documents/new`, 'a: 1', { 'content-type': type }), 415, 'unsupported_media_type');
    await expectRefused(() => api.request('POST', '/api/v1/services', '{"name":"new"}', { 'content-type': type }), 415, 'unsupported_media_type');
    await expectRefused(() => api.request('PATCH', document, '{}', { 'content-type': type }), 415, 'unsupported_media_type');
  });

  it.each(['', ' ', repeat('k', 256), 'k\u00e9', 'a\tb'])('Idempotency-Key: %j is refused', async (key) => {
    await expectRefused(() => api.post('/api/v1/changes', { title: 'x' }, { 'idempotency-key': key }), 400, 'malformed_request');
  });

  it.each(['abc', '1:abc', ':"x"', '99999999999999999999:"x"', '-1:"x"'])('Last-Event-ID: %j is refused', async (id) => {
    await expectRefused(() => api.get('/v1/config/base/orders', { accept: 'text/event-stream', 'last-event-id': id }), 400, 'malformed_request');
  });
});

describe('given a cursor', () => {
  const encode = (value: unknown): string => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');
  const LISTS = ['/api/v1/environments', '/api/v1/services', '/api/v1/grants', '/api/v1/tokens', '/api/v1/client-keys', '/api/v1/audit', '/api/v1/instances', '/api/v1/changes', '/api/v1/revisions', `${layer}/releases`];

  it.each([
    '', 'x', '%00', '__proto__', '../..', encode('{'), encode({}), encode([]), encode(null), encode([null]), encode([[]]), encode([{}]), encode([1, 2, 3, 4]), encode(['a', 'b', 'c', 'd']), encode([1.5]),
    encode([1e300]), encode(['\0', '\0', '\0']), encode(['a\0']), encode('["__proto__"]').slice(1), repeat('A', 1_025),
  ])('%j is refused by every list', async (cursor) => {
    for (const list of LISTS) {
      const { json } = await expectRefused(() => api.get(`${list}?cursor=${cursor}`), 400, 'malformed_request');
      expect(json.pointer).toBe('/cursor');
    }
  });

  it.each([encode(['a', 'not-a-uuid']), encode([-1]), encode([Number.MAX_SAFE_INTEGER]), encode([Number.MIN_SAFE_INTEGER]), encode(['\ud800', '\ud800']), encode(["' OR 1=1 --"])])('%j never breaks a list', async (cursor) => {
    for (const list of LISTS) expect([200, 400]).toContain((await api.get(`${list}?cursor=${cursor}`)).status);
  });
});

describe('given a schema', () => {
  it.each<[string, string, number, string]>([
    ['that is truncated', '{"type":', 422, 'document_syntax'],
    ['that is a list', '[]', 422, 'schema_invalid'],
    ['of another draft', '{"$schema":"http://json-schema.org/draft-04/schema#"}', 422, 'schema_invalid'],
    ['that refers to a file', '{"$ref":"file:///etc/passwd"}', 422, 'schema_invalid'],
    ['that refers to an address', '{"$ref":"http://127.0.0.1/schema"}', 422, 'schema_invalid'],
    ['that refers to nothing', '{"$ref":"#/$defs/nothing"}', 422, 'schema_invalid'],
    ['with a pattern that is none', '{"properties":{"a":{"pattern":"("}}}', 422, 'schema_invalid'],
    ['with a key twice', '{"type":"object","type":"object"}', 422, 'duplicate_key'],
    ['100,000 levels deep', repeat('{"not":', 100_000) + '{}' + repeat('}', 100_000), 422, 'document_too_deep'],
    ['of code', '{"properties":{"a":{"const":{"toString":"process.exit(1)"}},"\\"];process.exit(1);//":{"type":"nonsense"}}}', 422, 'schema_invalid'],
  ])('%s refuses it', async (_name, schema, status, code) => {
    await expectRefused(() => api.request('PUT', `${layer}/schemas/application`, schema, { 'content-type': 'application/schema+json' }), status, code);
  });

  it('that refers to itself without end is refused or endures', async () => {
    const answer = await api.request('PUT', `${layer}/schemas/application?dryRun=true`, '{"$ref":"#"}', { 'content-type': 'application/schema+json' });
    expect([200, 422]).toContain(answer.status);
    expect((await api.get('/health/live')).status).toBe(200);
  });
});

describe('given many bad requests at once', () => {
  it('answers each of them, and the good ones between them', async () => {
    const before = await written(server.database.dataSource);
    const bad = Array.from({ length: 60 }, (_, index) => {
      const sources = [repeat('[', 100_000), bomb, '{"a":1,"a":2}', 'a: [', repeat('x', 1024 * 1024 + 1), '{"n": 9007199254740993}'];
      return api.request('PUT', document, sources[index % sources.length], { 'content-type': index % 2 === 0 ? TYPES.yaml : TYPES.json });
    });
    const good = Array.from({ length: 30 }, () => api.get('/v1/config/base/orders'));
    for (const { status } of await Promise.all(bad)) expect([413, 422]).toContain(status);
    for (const { status } of await Promise.all(good)) expect(status).toBe(200);
    expect(await written(server.database.dataSource)).toEqual(before);
  });
});
