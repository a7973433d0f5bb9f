import fc from 'fast-check';
import { Api } from './support/api';
import { givenWorld, pathOf, SCENARIOS } from './support/scenarios';
import { startServer, type TestServer } from './support/server';

let server: TestServer;
let api: Api;

beforeAll(async () => {
  server = await startServer();
  api = new Api(server.url, server.token);
  await givenWorld(api);
  await api.must('POST', '/api/v1/changes', { title: 'Number 1' });
});
afterAll(() => server.close());

const TAKES_JSON = Object.entries(SCENARIOS).filter(([, { body, headers }]) => body !== undefined && headers === undefined);
const TAKES_BYTES = Object.entries(SCENARIOS).filter(([, { headers }]) => headers !== undefined);

const key = fc.oneof(fc.string(), fc.constantFrom('__proto__', 'constructor', 'prototype', 'toString', 'length', ''));
const { value: json } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom<unknown>(null, true, 0, -1, 1.5, 1e300, -0, 9007199254740991, '', 'orders', 'base', '\0', '\ud800', '*'),
    fc.string({ unit: 'binary' }),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.array(fc.tuple(key, tie('value')), { maxLength: 4 }).map((entries) => Object.fromEntries(entries)),
  ),
}));

/** A body that is right but for one place, which is where the interesting faults are. */
const almost = (body: unknown): fc.Arbitrary<unknown> => {
  if (typeof body !== 'object' || body === null) return json;
  const fields = Object.keys(body);
  if (fields.length === 0) return json;
  return fc.oneof(
    fc.tuple(fc.constantFrom(...fields), json).map(([field, value]) => ({ ...body, [field]: value })),
    fc.constantFrom(...fields).map((field) => Object.fromEntries(Object.entries(body).filter(([name]) => name !== field))),
    fc.tuple(key, json).map(([name, value]) => Object.fromEntries([...Object.entries(body), [name, value]])),
    ...fields.map((field) => almost((body as Record<string, unknown>)[field]).map((value) => ({ ...body, [field]: Array.isArray((body as Record<string, unknown>)[field]) ? [value] : value }))),
  );
};

async function expectNoDefect(name: string, body: unknown, headers?: Readonly<Record<string, string>>): Promise<void> {
  const answer = await api.request(name.split(' ')[0]!, pathOf(name), body, headers);
  expect([answer.status, answer.status < 500 ? '' : answer.text]).toEqual([answer.status, '']);
  if (answer.status >= 400) expect(answer.json).toMatchObject({ code: expect.any(String), detail: expect.any(String) });
}

describe.each(TAKES_JSON)('%s', (name, { body }) => {
  it('never fails on random JSON', async () => {
    const right: unknown = typeof body === 'function' ? (body as () => unknown)() : body;
    await fc.assert(fc.asyncProperty(fc.oneof(json, almost(right)), (value) => expectNoDefect(name, JSON.stringify(value), { 'content-type': 'application/json' })), { numRuns: 60 });
  }, 30_000);
});

describe.each(TAKES_BYTES)('%s', (name, { headers }) => {
  it('never fails on random text', async () => {
    const types = ['application/json', 'application/yaml', 'application/toml', 'text/x-java-properties', 'text/plain', 'application/merge-patch+json', 'application/json-patch+json', headers!['content-type']!];
    const syntax = fc.array(fc.oneof(fc.constantFrom('{', '}', '[', ']', ':', ' ', '\n', '- ', '"', "'", '&a ', '*a', '!!', '|', '>', '#', '=', '.', ',', '\\u', '__proto__', '0', '1', '---\n', '<<: ', '~', '\t', '\r', '%'), fc.string()), { maxLength: 30 }).map((parts) => parts.join(''));
    const operation = fc.record({ op: fc.constantFrom('add', 'remove', 'replace', 'test', 'move', 'copy', 'x'), path: fc.oneof(fc.constantFrom('', '/', '/a', '/db', '/db/pool', '/__proto__', '/-', '/0'), fc.string()), from: fc.constantFrom('', '/a', '/db'), value: json }, { requiredKeys: [] });
    const source = fc.oneof(syntax, json.map((value) => JSON.stringify(value)), fc.array(operation, { maxLength: 4 }).map((operations) => JSON.stringify(operations)), fc.uint8Array());
    await fc.assert(fc.asyncProperty(fc.constantFrom(...types), source, (type, text) => expectNoDefect(name, text, { 'content-type': type })), { numRuns: 120 });
  }, 60_000);
});

it('is still the server it was', async () => {
  expect((await api.get('/health/ready')).status).toBe(200);
  expect(Object.keys(Object.prototype)).toEqual([]);
});
