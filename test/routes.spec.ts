import { Ajv } from 'ajv';
import addFormats from 'ajv-formats';
import { Api, type Answer } from './support/api';
import { routesOf, type Route } from './support/routes';
import { givenWorld, perform, SCENARIOS } from './support/scenarios';
import { startServer, type TestServer } from './support/server';

interface OpenApi {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: object };
}
interface Operation {
  readonly responses: Readonly<Record<string, { readonly content?: Readonly<Record<string, { readonly schema: object }>> }>>;
}

let server: TestServer;
let api: Api;
let routes: Route[];
let openApi: OpenApi;
let ajv: Ajv;

beforeAll(async () => {
  server = await startServer();
  api = new Api(server.url, server.token);
  await givenWorld(api);
  routes = await routesOf(server.database);
  openApi = (await api.must('GET', '/openapi.json')).json as OpenApi;
  ajv = new Ajv({ strict: false, allErrors: true, schemas: [{ $id: 'openapi', ...(closed(openApi) as object) }] });
  addFormats.default(ajv);
});
afterAll(() => server.close());

/** What a schema does not name must not be there: a member that the description forgot is a fault of the description. */
function closed(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(closed);
  if (typeof schema !== 'object' || schema === null) return schema;
  const members = Object.fromEntries(Object.entries(schema).map(([name, member]) => [name, closed(member)]));
  const isObjectSchema = members['type'] === 'object' && 'properties' in members && !('additionalProperties' in members);
  return isObjectSchema ? { ...members, additionalProperties: false } : members;
}

const documentedPath = (name: string): string => name.split(' ')[1]!.replace(/:(\w+)/g, '{$1}');

function operationOf(name: string): Operation | undefined {
  return openApi.paths[documentedPath(name)]?.[name.split(' ')[0]!.toLowerCase()];
}

/** Holds an answer against what the OpenAPI document says of it. */
function expectDescribed(name: string, answer: Answer): void {
  const content = operationOf(name)?.responses[String(answer.status)]?.content;
  const type = answer.headers.get('content-type')?.split(';', 1)[0] ?? '';
  if (content?.[type] === undefined || type !== 'application/json') return;
  const pointer = ['paths', documentedPath(name), name.split(' ')[0]!.toLowerCase(), 'responses', String(answer.status), 'content', type, 'schema'];
  const validate = ajv.compile({ $ref: `openapi#/${pointer.map((part) => encodeURIComponent(part.replaceAll('~', '~0').replaceAll('/', '~1'))).join('/')}` });
  validate(answer.json);
  expect(validate.errors ?? []).toEqual([]);
}

describe('given the routes of the running application', () => {
  it('has a scenario for each, and none for a route that is gone', () => {
    expect(Object.keys(SCENARIOS).sort()).toEqual(routes.map(({ name }) => name));
  });

  it('lets those call each that the table says', () => {
    expect(Object.fromEntries(routes.map(({ name, access }) => [name, access]))).toEqual(
      Object.fromEntries(Object.entries(SCENARIOS).map(([name, { access }]) => [name, access])),
    );
  });

  it('describes each in the OpenAPI document, but the documentation itself', () => {
    expect(routes.map(({ name }) => name).filter((name) => operationOf(name) === undefined)).toEqual([
      'GET /docs',
      'GET /docs/:asset',
      'GET /docs/start.js',
      'GET /openapi.json',
    ]);
  });

  it('describes what each answers with JSON', () => {
    const bare = routes.filter(({ name }) => {
      const { status } = SCENARIOS[name] ?? {};
      const operation = operationOf(name);
      return operation !== undefined && status !== 204 && operation.responses[String(status)]?.content === undefined;
    });
    // Sources and schemas are answered in their own format, metrics in that of Prometheus; a way to and from elsewhere not at all.
    expect(bare.map(({ name }) => name)).toEqual([
      'GET /api/v1/services/:service/environments/:environment/documents/:name',
      'GET /api/v1/services/:service/environments/:environment/schemas/:name',
      'GET /api/v1/session/oidc/callback',
      'GET /api/v1/session/oidc/start',
      'GET /metrics',
    ]);
  });
});

describe.each(Object.entries(SCENARIOS))('%s', (name, scenario) => {
  it(`answers ${scenario.status} as it is described`, async () => {
    const answer = await perform(api, name, scenario);
    expect([answer.status, answer.status < 400 ? '' : answer.text]).toEqual([scenario.status, '']);
    expect(answer.headers.get('x-request-id')).toBeTruthy();
    expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
    if (scenario.status === 204) expect(answer.text).toBe('');
    expect(Object.keys(operationOf(name)?.responses ?? { [answer.status]: {} })).toContain(String(answer.status));
    expectDescribed(name, answer);
  });

  if (!name.startsWith('GET ')) return;

  it('answers HEAD with the head of that and no body', async () => {
    const answer = await perform(api, name.replace('GET', 'HEAD'), scenario);
    expect([answer.status, answer.text]).toEqual([scenario.status, '']);
  });
});
