import { statusOf } from '../src/http/problem';
import { ERROR_CODES, type ErrorCode } from '../src/kernel/error-codes';
import { Api, layerPath, type Answer } from './support/api';
import { createTestDatabase, type TestDatabase } from './support/database';
import { eventually } from './support/eventually';
import { aPerson } from './support/people';
import { startProxy, type Proxy } from './support/proxy';
import { startServer, type TestServer } from './support/server';

let database: TestDatabase;
let proxy: Proxy;
let server: TestServer;
let api: Api;

beforeAll(async () => {
  database = await createTestDatabase();
  proxy = await startProxy(database.url);
  const overrides = { databaseUrl: proxy.through(database.url), database: { connectTimeoutMs: 500 }, documents: { maxPerLayer: 3 }, http: { maxBodyBytes: 2_000_000 } };
  server = await startServer(overrides, database);
  api = new Api(server.url, server.token);
  await api.given({ production: 'base' }, ['orders', 'common', 'library', 'gone']);
  await api.putYaml('orders@base', 'a: 1\nlist: [1]\n');
  await api.putYaml('library@base', 'a: 1\n');
  await api.include('orders@base', 'library');
  await api.must('DELETE', '/api/v1/services/gone');
});
afterAll(async () => {
  await server.close();
  await proxy.close();
  await database.close();
});

const JSON_TYPE = { 'content-type': 'application/json' };
const TOML = { 'content-type': 'application/toml' };
const JSON_PATCH = { 'content-type': 'application/json-patch+json' };

const layer = layerPath('orders@base');
const put = (source: string | Uint8Array, headers: Record<string, string> = JSON_TYPE): Promise<Answer> => api.request('PUT', `${layer}/documents/provoked`, source, headers);
const yaml = (source: string): Promise<Answer> => api.putYaml('orders@base', source, 'provoked');
const begun = async (): Promise<string> => `/api/v1/changes/${(await api.must('POST', '/api/v1/changes', { title: 'Begun' })).json.id}`;
const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);
const nobody = '00000000-0000-4000-8000-000000000000';

interface Provocation {
  readonly provoke: () => Promise<Answer>;
  /** Further members that docs/errors.md promises. */
  readonly members?: object;
}

const PROVOCATIONS: Record<ErrorCode, Provocation> = {
  malformed_request: {
    provoke: () => api.request('POST', '/api/v1/services', '{\n  "name": ,\n}', JSON_TYPE),
    members: { line: 2, column: 11 },
  },
  invalid_utf8: { provoke: () => put(Uint8Array.of(0x22, 0xc3, 0x28, 0x22)), members: { offset: 1 } },
  unauthenticated: { provoke: () => api.as(undefined).get('/api/v1/services') },
  sign_in_failed: { provoke: () => api.as(undefined).post('/api/v1/session', { login: 'nobody', password: 'nothing' }) },
  forbidden: {
    provoke: async () => {
      const { json } = await api.must('POST', '/api/v1/client-keys', { name: 'reader', service: 'orders', environment: 'base' });
      return api.as(json.secret as string).get('/api/v1/services');
    },
  },

  csrf_refused: { provoke: () => api.as(undefined).post('/api/v1/session', { login: 'nobody', password: 'nothing' }, { origin: 'https://elsewhere.example' }) },

  route_not_found: { provoke: () => api.get('/api/v2/services') },
  environment_not_found: { provoke: () => api.get('/api/v1/environments/nowhere') },
  service_not_found: { provoke: () => api.get('/api/v1/services/nothing') },
  document_not_found: { provoke: () => api.get(`${layer}/documents/nothing`) },
  schema_not_found: { provoke: () => api.get(`${layer}/schemas/nothing`) },
  version_not_found: { provoke: () => api.get(`${layer}/releases/999`) },
  revision_not_found: { provoke: () => api.get('/api/v1/revisions/999') },
  change_not_found: { provoke: () => api.get('/api/v1/changes/999') },
  edit_not_found: { provoke: async () => api.request('DELETE', `${await begun()}/services/orders/environments/base/documents/application/edit`) },
  person_not_found: { provoke: () => api.get(`/api/v1/people/${nobody}`) },
  link_not_found: { provoke: () => api.as(undefined).post('/api/v1/links', { secret: 'none', password: 'nothing' }) },
  secret_not_found: { provoke: () => api.post(`${layer}/reveal`, {}) },
  credential_not_found: { provoke: () => api.request('DELETE', `/api/v1/tokens/${nobody}`) },
  grant_not_found: { provoke: () => api.request('DELETE', `/api/v1/grants/${nobody}`) },

  name_taken: { provoke: () => api.post('/api/v1/services', { name: 'orders' }), members: { pointer: '/name' } },
  grant_exists: {
    provoke: async () => {
      const grant = { subject: { kind: 'group', name: 'team' }, role: 'viewer', services: 'orders', environment: 'base' };
      await api.must('POST', '/api/v1/grants', grant);
      return api.post('/api/v1/grants', grant);
    },
  },
  service_included: {
    provoke: () => api.request('DELETE', '/api/v1/services/library'),
    members: { includedBy: [expect.anything()] },
  },
  service_archived: { provoke: () => api.putYaml('gone@base', 'a: 1\n') },
  last_administrator: {
    provoke: async () => {
      const { json } = await api.must('GET', '/api/v1/tokens');
      return api.request('DELETE', `/api/v1/tokens/${json.items[0].id}`);
    },
  },
  cannot_sign_in: {
    provoke: async () => {
      const { json } = await api.must('POST', '/api/v1/people', { login: 'ada', name: 'Ada' });
      await api.must('PATCH', `/api/v1/people/${json.id}`, { disabled: true });
      return api.post(`/api/v1/people/${json.id}/links`);
    },
  },
  change_not_open: {
    provoke: async () => {
      const change = await begun();
      await api.must('DELETE', change);
      return api.request('PATCH', change, { title: 'Too late' });
    },
    members: { changeStatus: 'discarded' },
  },
  approval_not_allowed: { provoke: async () => api.post(`${await begun()}/reviews`, { verdict: 'approve', edition: 1 }) },
  review_not_found: { provoke: async () => api.request('DELETE', `${await begun()}/reviews/1`) },
  comment_not_found: { provoke: async () => api.request('DELETE', `${await begun()}/comments/1`) },
  schedule_not_found: { provoke: async () => api.request('DELETE', `${await begun()}/schedule`) },
  approval_required: {
    provoke: async () => {
      const guarded = '/api/v1/environments/guarded';
      await api.must('POST', '/api/v1/environments', { name: 'guarded' });
      await api.must('PATCH', guarded, { requiredApprovals: 1 });
      const refused = await api.putYaml('common@guarded', 'a: 1\n');
      await api.must('PATCH', guarded, { requiredApprovals: null });
      return refused;
    },
    members: { approvals: { needed: 1, have: 0, reached: [{ service: 'common', environment: 'guarded', requiredApprovals: 1 }] } },
  },
  changes_requested: {
    provoke: async () => {
      const change = await begun();
      await api.must('PUT', `${change}/services/common/environments/base/documents/asked`, '{}', JSON_TYPE);
      const reviewer = await aPerson(database, api, 'Ria', { role: 'approver' });
      await reviewer.api.must('POST', `${change}/reviews`, { verdict: 'request-changes', edition: 2 });
      return api.post(`${change}/publish`);
    },
    members: { requestedBy: [{ reviewer: { person: { name: 'Ria' } } }] },
  },
  change_conflict: {
    provoke: async () => {
      const change = await begun();
      await api.must('PUT', `${change}/services/common/environments/base/documents/application`, '{"yours":1}', JSON_TYPE);
      await api.putYaml('common@base', 'theirs: 1\n');
      return api.post(`${change}/publish`);
    },
    members: { base: null, theirs: 'theirs: 1\n', yours: '{"yours":1}' },
  },
  idempotency_in_progress: {
    provoke: async () => {
      const header = { 'idempotency-key': 'running' };
      await api.must('POST', '/api/v1/changes', { title: 'Slow' }, header);
      await database.dataSource.query(`UPDATE idempotency_key SET status = NULL, body = NULL WHERE key = 'running'`);
      return api.post('/api/v1/changes', { title: 'Slow' }, header);
    },
    members: { retryAfter: 1 },
  },
  log_regressed: {
    provoke: async () => {
      const { head } = (await database.dataSource.query<{ head: number }[]>('SELECT max(id)::int AS head FROM revision'))[0]!;
      await database.dataSource.query('UPDATE log_identity SET seen = $1', [head + 10]);
      const answer = await put('{}');
      await database.dataSource.query('UPDATE log_identity SET seen = 0');
      await eventually(async () => expect((await api.get('/health/ready?for=publishing')).status).toBe(200));
      return answer;
    },
    members: { head: expect.any(Number), seen: expect.any(Number) },
  },
  log_not_regressed: { provoke: () => api.post('/api/v1/recoveries', { message: 'To be sure' }), members: { head: expect.any(Number) } },
  precondition_failed: {
    provoke: () => api.request('PATCH', '/api/v1/services/orders', { owner: 'x' }, { 'if-match': '"another"' }),
    members: { etag: expect.stringMatching(/^".+"$/) },
  },

  payload_too_large: { provoke: () => put('x'.repeat(2_000_001)) },
  document_too_large: { provoke: () => put(`"${'x'.repeat(1024 * 1024)}"`) },
  layer_full: {
    provoke: async () => {
      for (const name of ['a', 'b', 'c']) await api.putYaml('orders@production', 'a: 1\n', name);
      return api.putYaml('orders@production', 'a: 1\n', 'd');
    },
  },
  unsupported_media_type: {
    provoke: () => put('<a/>', { 'content-type': 'application/xml' }),
    members: { supported: expect.arrayContaining(['application/json', 'application/yaml']) },
  },

  document_syntax: { provoke: () => yaml('a: 1\nb: [1\n'), members: { line: expect.any(Number), column: expect.any(Number) } },
  document_multipart: { provoke: () => yaml('a: 1\n---\nb: 1\n'), members: { line: 2 } },
  document_too_deep: { provoke: () => put(nested(65)), members: { line: 1, column: expect.any(Number) } },
  duplicate_key: { provoke: () => yaml('a: 1\nb: 2\na: 3\n'), members: { line: 3 } },
  alias_expansion: {
    provoke: () => yaml(['a: &a [x, x, x, x, x, x, x, x, x]', ...'bcdefghi'.split('').map((key, index) => `${key}: &${key} [${`*${'abcdefgh'[index]}, `.repeat(9)}]`)].join('\n')),
  },
  number_out_of_range: { provoke: () => put('{"n": 9007199254740993}'), members: { line: 1, column: 7 } },
  value_not_representable: {
    provoke: async () => {
      await put('a = 1\n', TOML);
      const answer = await api.request('PATCH', `${layer}/documents/provoked`, '[{"op":"replace","path":"/a","value":null}]', JSON_PATCH);
      await api.must('DELETE', `${layer}/documents/provoked`);
      return answer;
    },
  },
  patch_failed: {
    provoke: () => api.request('PATCH', `${layer}/documents/application`, '[{"op":"test","path":"/a","value":1},{"op":"remove","path":"/absent"}]', JSON_PATCH),
    members: { operation: 1 },
  },
  schema_invalid: { provoke: () => api.request('PUT', `${layer}/schemas/application`, { type: 'nonsense' }) },
  schema_violation: {
    provoke: () => api.request('PUT', `${layer}/schemas/application`, { required: ['absent'] }),
    members: { violations: expect.arrayContaining([expect.objectContaining({ service: 'orders', environment: 'base' })]) },
  },
  sealed_elsewhere: {
    provoke: async () => {
      const { json } = await api.must('POST', `${layer}/seal`, { value: 1 });
      return api.putYaml('common@base', `sealed: ${json.sealed}\n`);
    },
    members: { sealed: [{ service: 'common', environment: 'base', document: 'application', path: '/sealed', from: 'orders@base' }] },
  },
  sealed_invalid: { provoke: () => yaml('a: trimtab:sealed:1:nothing\n'), members: { sealed: [expect.objectContaining({ path: '/a' })] } },
  include_cycle: { provoke: () => api.include('library@production', 'orders'), members: { cycle: ['library', 'orders', 'library'] } },
  nothing_to_publish: { provoke: async () => api.post(`${await begun()}/publish`) },
  import_invalid: { provoke: () => api.post('/api/v1/imports', { files: [{ path: '../up.yml', content: 'a: 1\n' }] }) },
  password_unsuitable: {
    provoke: async () => {
      const { json } = await api.must('POST', '/api/v1/people', { login: 'grace', name: 'Grace' });
      return api.as(undefined).post('/api/v1/links', { secret: json.link.secret, password: 'short' });
    },
    members: { pointer: '/password' },
  },
  idempotency_key_reused: {
    provoke: async () => {
      const header = { 'idempotency-key': 'used' };
      await api.must('POST', '/api/v1/changes', { title: 'One' }, header);
      return api.post('/api/v1/changes', { title: 'Another' }, header);
    },
  },

  too_many_requests: {
    provoke: async () => {
      const small = await startServer({ http: { maxConcurrentRequests: 1 } }, database);
      const runner = database.dataSource.createQueryRunner();
      const crowd: Promise<Answer>[] = [];
      try {
        // What cannot read its table waits, and is under way.
        await runner.startTransaction();
        await runner.query('LOCK TABLE change IN ACCESS EXCLUSIVE MODE');
        const there = new Api(small.url, server.token);
        await there.get('/api/v1/services');
        for (let count = 0; count < 5; count += 1) crowd.push(there.get('/api/v1/changes'));
        return await Promise.race(crowd);
      } finally {
        await runner.rollbackTransaction();
        await runner.release();
        await Promise.all(crowd);
        await small.close();
      }
    },
  },
  master_key_missing: {
    provoke: async () => {
      const poor = await startServer({ secrets: { masterKeys: undefined } }, database);
      try {
        return await new Api(poor.url, server.token).post(`${layer}/seal`, { value: 1 });
      } finally {
        await poor.close();
      }
    },
  },
  secret_unreadable: {
    provoke: async () => {
      await api.must('PATCH', `${layerPath('library@production')}/documents/keys?seal=true`, '{"a":1}', { 'content-type': 'application/merge-patch+json' });
      const { json } = await api.must('POST', '/api/v1/client-keys', { name: 'reader', service: 'library', environment: 'base' });
      const poor = await startServer({ secrets: { masterKeys: undefined } }, database);
      try {
        return await new Api(poor.url, json.secret as string).get('/v1/config/production/library/keys');
      } finally {
        await poor.close();
      }
    },
    members: { unreadable: [{ document: 'keys', path: '/a', reason: 'master_key_missing' }] },
  },
  unavailable: {
    provoke: async () => {
      proxy.refuse();
      try {
        return await api.get('/api/v1/changes');
      } finally {
        proxy.accept();
      }
    },
  },
  internal: {
    provoke: async () => {
      await database.dataSource.query('ALTER TABLE change RENAME TO change_elsewhere');
      try {
        return await api.get('/api/v1/changes');
      } finally {
        await database.dataSource.query('ALTER TABLE change_elsewhere RENAME TO change');
      }
    },
  },
};

it('provokes every code there is', () => {
  expect(Object.keys(PROVOCATIONS).sort()).toEqual(Object.keys(ERROR_CODES).sort());
});

it.each(Object.entries(PROVOCATIONS))('%s comes as it is documented, says nothing of the inside, and writes nothing', async (code, { provoke, members = {} }) => {
  const answer = await provoke();
  const { kind, title } = ERROR_CODES[code as ErrorCode];
  const status = statusOf(kind);
  expect(answer.json).toMatchObject({ code, status, title, type: `/docs/errors#${code}`, ...members });
  expect(answer.status).toBe(status);
  expect(answer.headers.get('content-type')).toBe('application/problem+json');
  expect(answer.json.requestId).toBe(answer.headers.get('x-request-id'));
  expect(answer.json.detail).toMatch(/^\S.{10,}[.?!)]$/s);
  expect(answer.text).not.toMatch(/node_modules|[\w-]+\.[jt]s:\d|\bat [\w.<>]+ \(|SELECT|INSERT|relation|column "|typeorm|ECONN|127\.0\.0\.1/i);
  if (status === 503) expect(answer.headers.get('retry-after')).toMatch(/^\d+$/);
  // The next request is answered as if nothing had happened.
  await eventually(async () => expect((await api.get('/api/v1/services/orders')).status).toBe(200));
  expect((await api.get(layer)).json).toMatchObject({ service: 'orders', documents: [{ name: 'application' }] });
});
