import { Api } from './support/api';
import { startServer, type TestServer } from './support/server';

interface Operation {
  readonly method: string;
  readonly path: string;
  readonly parameters: readonly { readonly name: string; readonly in: string }[];
  readonly fields: readonly string[];
}

let server: TestServer;
let api: Api;
let operations: Operation[];

beforeAll(async () => {
  server = await startServer();
  api = new Api(server.url, server.token);
  await api.given({ production: 'base' }, ['orders', 'shared']);
  await api.must('PUT', '/api/v1/services/orders/environments/base/documents/application', '{"a":1}', { 'content-type': 'application/json' });
  await api.must('POST', '/api/v1/changes', { title: 'open', message: 'open' }).catch(() => undefined);
  operations = operationsOf((await api.must('GET', '/openapi.json')).json);
});
afterAll(() => server.close());

const NASTY_TEXTS = ['', '.', '..', 'a/b', 'a\0b', '__proto__', 'constructor', '\u{1F600}', '\uFEFF', '\u202Egnp', "';--", '%', '-1', '0', '1e9', '99999999999999999999', 'NaN', 'x'.repeat(300)];
const NASTY_VALUES: readonly unknown[] = [null, true, -1, 1.5, 1e300, '', 'a\0b', '\ud800', [], [null], [[]], {}, { constructor: { prototype: 1 } }, JSON.parse('{"__proto__":{"a":[]}}'), 'x'.repeat(5_000), ['a', { b: null }]];
const TYPES = ['application/json', 'application/merge-patch+json', 'application/json-patch+json', 'application/yaml', 'text/plain'];
const GOOD: Readonly<Record<string, string>> = { service: 'orders', environment: 'base', name: 'application', document: 'application', id: '1', revision: '1', version: '1' };

function operationsOf(document: { paths: Record<string, Record<string, never>>; components: { schemas: Record<string, { properties?: object }> } }): Operation[] {
  return Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]: [string, { parameters?: Operation['parameters']; requestBody?: { content: Record<string, { schema?: { $ref?: string } }> } }]) => {
      const reference = operation.requestBody?.content['application/json']?.schema?.$ref?.split('/').at(-1) ?? '';
      return { method: method.toUpperCase(), path, parameters: operation.parameters ?? [], fields: Object.keys(document.components.schemas[reference]?.properties ?? {}) };
    }),
  );
}

function urlOf({ path, parameters }: Operation, chosen: Readonly<Record<string, string>> = {}): string {
  const query = parameters.filter((parameter) => parameter.in === 'query' && parameter.name in chosen).map(({ name }) => `${name}=${encodeURIComponent(chosen[name] ?? '')}`);
  return path.replaceAll(/\{(\w+)\}/g, (_all, name: string) => encodeURIComponent(chosen[name] ?? GOOD[name] ?? 'x')) + (query.length === 0 ? '' : `?${query.join('&')}`);
}

type Request = readonly [method: string, url: string, body?: unknown, headers?: Record<string, string>];

const AT_ONCE = 8;

async function complaintsAbout(requests: readonly Request[]): Promise<string[]> {
  const complaints: string[] = [];
  for (let done = 0; done < requests.length; done += AT_ONCE) {
    const answers = await Promise.all(requests.slice(done, done + AT_ONCE).map((request) => complaint(...request)));
    complaints.push(...answers.filter((one) => one !== undefined));
  }
  return complaints;
}

/** What went wrong, or undefined: anything is fine but a defect, a hang, or an answer that is no problem document. */
async function complaint(method: string, url: string, body?: unknown, headers: Record<string, string> = {}): Promise<string | undefined> {
  const answer = await api.request(method, url, body, headers);
  const isProblem = answer.status < 400 || answer.headers.get('content-type') === 'application/problem+json';
  return answer.status !== 500 && isProblem ? undefined : `${method} ${url.slice(0, 200)} ${JSON.stringify(body)?.slice(0, 100)} → ${answer.status} ${answer.text.slice(0, 200)}`;
}

describe('given every operation of the API', () => {
  it('answers hostile names in the path, and hostile parameters, without a defect', async () => {
    const requests = operations.flatMap((operation) =>
      operation.parameters
        .filter(({ name, in: place }) => (place === 'path' || place === 'query') && name !== 'wait')
        .flatMap(({ name }) => NASTY_TEXTS.map((text): Request => [operation.method, urlOf(operation, { [name]: text })])),
    );
    expect(requests.length).toBeGreaterThan(1_000);
    expect(await complaintsAbout(requests)).toEqual([]);
  }, 120_000);

  it('answers hostile bodies without a defect', async () => {
    const writes = operations.filter(({ method }) => method === 'POST' || method === 'PUT' || method === 'PATCH');
    const requests = writes.flatMap((operation) => {
      const bodies = NASTY_VALUES.flatMap((value) => [value, ...operation.fields.map((field) => ({ [field]: value }))]);
      const types = operation.fields.length === 0 ? TYPES : TYPES.slice(0, 1);
      return bodies.flatMap((body) => types.map((type): Request => [operation.method, urlOf(operation), JSON.stringify(body), { 'content-type': type }]));
    });
    expect(requests.length).toBeGreaterThan(500);
    expect(await complaintsAbout(requests)).toEqual([]);
  }, 120_000);

  it('is still the server it was', async () => {
    expect((await api.get('/health/ready')).status).toBe(200);
    expect(({} as Record<string, unknown>)['a']).toBeUndefined();
    expect(Object.prototype.hasOwnProperty.call(Object.prototype, 'prototype')).toBe(false);
  });
});
