import { Client } from 'pg';
import { ENVIRONMENT_NAMES, LIBRARY, loadCatalog, serviceName } from '../bench/growth-data.cjs';
import { Api, layerPath } from './support/api';
import { createTestDatabase, type TestDatabase } from './support/database';
import { givenWorld, perform, SCENARIOS } from './support/scenarios';
import { startServer, type TestServer } from './support/server';

const SIZE = { services: 200, versions: 20, includers: 150 };
const CONFIGS = (SIZE.includers + 1) * ENVIRONMENT_NAMES.length;
/** What grows with every publish, for ever. */
const GROWING = ['revision', 'release', 'release_document', 'document_content', 'change', 'change_edit', 'audit_record', 'audit_chain', 'audit_lookup'];
const CURSOR = (key: unknown): string => Buffer.from(JSON.stringify([key])).toString('base64url');

let database: TestDatabase;
let server: TestServer;
let api: Api;
let library: string;
/** What Postgres says of each statement it ran for the server: its text and its plan. */
const plans: string[] = [];

beforeAll(async () => {
  database = await createTestDatabase();
  const before = await startServer({}, database);
  await givenWorld(new Api(before.url, before.token));
  await before.close();
  const client = new Client({ connectionString: database.url });
  await client.connect();
  await loadCatalog(client, SIZE);
  await explainStatements(client);
  await client.end();
  listenToPlans();
  server = await startServer({}, database);
  api = new Api(server.url, server.token);
  library = `${layerPath(`${LIBRARY}@base`)}/documents/application`;
}, 60_000);

afterAll(async () => {
  jest.restoreAllMocks();
  await server.close();
  await database.close();
});

it('a server on many releases starts without reading what grows row by row', () => {
  expect(plans.join('\n')).toContain('release_document_includes');
  expect(sequentialScans()).toEqual([]);
});

describe('given a library that many services include in five environments', () => {
  it('lists as many of the configs that change as are of use, and counts all', async () => {
    const { json } = await putLibrary({ limit: 1 });
    expect(json.truncated).toEqual({ configs: CONFIGS, services: SIZE.includers + 1, instances: 0 });
    expect(json.impact).toHaveLength(500);
    expect(json.impact[0]).toMatchObject({ service: LIBRARY, environment: 'base' });
    expect(await api.values(`${serviceName(SIZE.includers)}@production-eu`)).toMatchObject({ application: { limit: 1, name: serviceName(SIZE.includers) } });
  });

  it('lists everything where that is less', async () => {
    const { json } = await api.must('PUT', `${layerPath(`${LIBRARY}@staging`)}/documents/application`, '{"limit": 2}', { 'content-type': 'application/json' });
    expect(json.truncated).toBeUndefined();
    expect(json.impact).toHaveLength(SIZE.includers + 1);
  });

  it('does all this without reading what grows row by row', () => {
    expect(plans.length).toBeGreaterThan(0);
    expect(sequentialScans()).toEqual([]);
  });

  it('checks those too that it does not list', async () => {
    const last = `${layerPath(`${serviceName(SIZE.includers)}@production-eu`)}/schemas/application`;
    await api.must('PUT', last, { type: 'object', properties: { limit: { maximum: 10 } } });
    const refused = await api.request('PUT', library, '{"limit": 11}', { 'content-type': 'application/json' });
    expect([refused.status, refused.json.code]).toEqual([422, 'schema_violation']);
    expect(refused.json.violations).toEqual([expect.objectContaining({ service: serviceName(SIZE.includers), environment: 'production-eu', path: '/limit' })]);
    await api.must('DELETE', last);
  });

  it('is published while the services that include it are, all the time', async () => {
    const running = { value: true };
    const counts = await Promise.all([
      ...[1, 2, 3].map(async (writer) => {
        let count = 0;
        for (; running.value; count += 1) {
          const layer = `${serviceName(1 + ((count * 3 + writer) % 100))}@production`;
          await api.must('PUT', `${layerPath(layer)}/documents/application`, `{"db": {}, "count": ${count}}`, { 'content-type': 'application/json' });
        }
        return count;
      }),
      (async () => {
        for (let limit = 3; limit < 6; limit += 1) await putLibrary({ limit });
        running.value = false;
        return 0;
      })(),
    ]);
    expect(Math.min(...counts.slice(0, 3))).toBeGreaterThan(0);
    for (const number of [1, 50, SIZE.includers]) {
      expect(await api.values(`${serviceName(number)}@production-us`)).toMatchObject({ application: { limit: 5 } });
    }
  });
});

describe('given many releases', () => {
  const extra = [
    '/v1/config/production-eu/service-00160',
    '/v1/config/production-eu/service-00161?asOf=5000',
    '/v1/config/production-eu/service-00010?origin=true',
    '/api/v1/services/service-00170/environments/staging/effective?asOf=5000',
    '/api/v1/services/service-00170/environments/staging/releases?limit=5',
    `/api/v1/services/service-00170/environments/staging/releases?limit=5&cursor=${CURSOR(11)}`,
    '/api/v1/services/service-00170/environments/staging/compare?from=3&to=9',
    '/api/v1/services/service-00170/environments/staging/documents/application?asOf=5000',
    `/api/v1/revisions?cursor=${CURSOR(9_000)}`,
    '/api/v1/revisions/9000',
    `/api/v1/changes?cursor=${CURSOR(9_000)}`,
    '/api/v1/changes?status=open',
    `/api/v1/changes?status=published&cursor=${CURSOR(9_000)}`,
    '/api/v1/changes/9000',
    `/api/v1/audit?cursor=${CURSOR(9_000)}`,
    '/api/v1/audit?action=service.create',
    '/api/v1/audit?actor=nobody',
    '/api/v1/audit?actor=growth',
    `/api/v1/audit?environment=production&cursor=${CURSOR(9_000)}`,
    '/api/v1/audit?service=service-00007&environment=production&actor=growth',
    '/api/v1/audit?environment=staging&action=change.publish&to=2020-01-01T00:00:00Z',
    '/api/v1/audit/export?service=service-00007',
    '/api/v1/services?q=service-001',
  ];

  it.each(Object.entries(SCENARIOS))('answers %s without reading what grows row by row', async (name, scenario) => {
    const answer = await perform(api, name, scenario);
    expect(answer.status).toBe(scenario.status);
    expect(sequentialScans()).toEqual([]);
  });

  it.each(extra)('answers GET %s without reading what grows row by row', async (path) => {
    await api.must('GET', path);
    expect(sequentialScans()).toEqual([]);
  });

  it('publishes without reading what grows row by row, however often a statement has run', async () => {
    // Postgres may take another plan for a prepared statement from the sixth time on.
    for (let count = 0; count < 12; count += 1) {
      await api.must('PUT', `${layerPath('service-00180@base')}/documents/application`, `{"count": ${count}}`, { 'content-type': 'application/json', 'idempotency-key': `publish ${count}` });
    }
    expect(sequentialScans()).toEqual([]);
  });

  it('notices a plan that does', async () => {
    await server.app.get<{ query(sql: string): Promise<unknown> }>(database.dataSource.constructor as never).query('SELECT count(content) FROM document_content');
    expect(sequentialScans()).toEqual([expect.stringContaining('Seq Scan on document_content')]);
  });
});

function putLibrary(value: unknown) {
  return api.must('PUT', library, JSON.stringify(value), { 'content-type': 'application/json' });
}

async function explainStatements(client: Client): Promise<void> {
  const { rows } = await client.query<{ name: string }>('SELECT current_database() AS name');
  const settings = { session_preload_libraries: 'auto_explain', 'auto_explain.log_min_duration': '0', 'auto_explain.log_level': 'notice', 'auto_explain.log_nested_statements': 'on' };
  await client.query("LOAD 'auto_explain'");
  for (const [name, value] of Object.entries(settings)) await client.query(`ALTER DATABASE ${rows[0]!.name} SET ${name} = '${value}'`);
}

function listenToPlans(): void {
  const { connect } = Client.prototype;
  jest.spyOn(Client.prototype, 'connect').mockImplementation(function (this: Client, callback) {
    this.on('notice', ({ message }) => plans.push(message ?? ''));
    return connect.call(this, callback);
  });
}

/** The plans since the last time in which a table that grows is read from its beginning to its end. */
function sequentialScans(): string[] {
  const scan = new RegExp(`Seq Scan on (${GROWING.join('|')})\\b`);
  return plans.splice(0).filter((plan) => scan.test(plan));
}
