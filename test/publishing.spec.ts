import { Api, layerPath } from './support/api';
import { startServer, type TestServer } from './support/server';

let server: TestServer;
let api: Api;

beforeAll(async () => {
  server = await startServer();
  api = new Api(server.url, server.token);
  await api.given({ staging: 'base', production: 'base', 'production-eu': 'production' }, ['orders', 'common', 'billing']);
});

afterAll(() => server.close());

const revision = async (): Promise<number> => ((await api.get('/api/v1/revisions?limit=1')).json.items[0]?.revision as number) ?? 0;

describe('one document in one call', () => {
  it('publishes the source in the body, and keeps it byte for byte', async () => {
    const source = '\uFEFF# pool sizes\r\ndb:\r\n  pool: {max: 10}   # ten\r\n';
    const answer = await api.putYaml('orders@base', source);
    expect(answer.status).toBe(200);
    expect(answer.json).toMatchObject({ revision: await revision(), layers: [{ service: 'orders', environment: 'base', version: 1 }] });
    const read = await fetch(`${api.url}${layerPath('orders@base')}/documents/application`, { headers: { authorization: `Bearer ${api.token}` } });
    expect(Buffer.from(await read.arrayBuffer())).toEqual(Buffer.from(source, 'utf8'));
    expect(read.headers.get('content-type')).toBe('application/yaml');
  });

  it('edits a key and leaves the rest as it was written', async () => {
    await api.putYaml('orders@base', '# sizes\ndb:\n  pool:\n    max: 10 # ten\n    min: "1"\n');
    await api.patch('orders@base', { db: { pool: { max: 20 } } });
    expect((await api.get(`${layerPath('orders@base')}/documents/application`)).text).toBe(
      '# sizes\ndb:\n  pool:\n    max: 20 # ten\n    min: "1"\n',
    );
  });

  it('edits at a path with ?path and by JSON Patch', async () => {
    await api.putYaml('orders@base', 'db:\n  pool:\n    max: 10\n    min: 1\n');
    await api.must('PATCH', `${layerPath('orders@base')}/documents/application?path=db.pool`, '{"max":30}', { 'content-type': 'application/merge-patch+json' });
    await api.must('PATCH', `${layerPath('orders@base')}/documents/application`, '[{"op":"remove","path":"/db/pool/min"}]', { 'content-type': 'application/json-patch+json' });
    expect(await api.values('orders@base')).toEqual({ application: { db: { pool: { max: 30 } } } });
  });

  it('begins a document with a patch where the layer only inherits one, in the inherited format', async () => {
    await api.putYaml('orders@base', 'db:\n  pool:\n    max: 10\n');
    await api.patch('orders@production', { db: { pool: { max: 50 } } });
    expect((await api.get(`${layerPath('orders@production')}/documents/application`)).text).toBe('db:\n  pool:\n    max: 50\n');
    expect(await api.values('orders@production-eu')).toEqual({ application: { db: { pool: { max: 50 } } } });
    expect(await api.values('orders@staging')).toEqual({ application: { db: { pool: { max: 10 } } } });
    const deleted = await api.request('DELETE', `${layerPath('orders@production')}/documents/application`);
    expect(deleted.status).toBe(200);
    expect(await api.values('orders@production-eu')).toEqual({ application: { db: { pool: { max: 10 } } } });
  });

  it('makes no revision of a write that changes nothing', async () => {
    await api.putYaml('orders@base', 'a: 1\n');
    const before = await revision();
    const again = await api.putYaml('orders@base', 'a: 1\n');
    expect(again.status).toBe(200);
    expect(again.json).toEqual({ layers: [], impact: [] });
    expect(await revision()).toBe(before);
  });

  it('writes nothing on a dry run, and answers what it would do key by key', async () => {
    await api.putYaml('orders@base', 'a: 1\n');
    const before = await revision();
    const answer = await api.request('PUT', `${layerPath('orders@base')}/documents/application?dryRun=true`, 'a: 2\nb: x\n', { 'content-type': 'application/yaml' });
    expect(answer.json.revision).toBeUndefined();
    expect(answer.json.impact.map(({ environment }: { environment: string }) => environment)).toEqual(['base', 'staging', 'production', 'production-eu']);
    expect(answer.json.impact[0]).toEqual({
      service: 'orders',
      environment: 'base',
      instances: 0,
      documents: [{ name: 'application', changes: [{ path: '/a', op: 'replace', before: 1, after: 2 }, { path: '/b', op: 'add', after: 'x' }] }],
    });
    expect(await revision()).toBe(before);
  });

  it('takes every format by its content type, and refuses one that names none', async () => {
    const sources: Record<string, [string, string]> = {
      'a.json': ['application/json', '{"k": [1, null]}'],
      'a.toml': ['application/toml', 'k = 1 # one\n'],
      'a.properties': ['text/x-java-properties', 'k.l=1\n'],
      'a.txt': ['text/plain', 'k\n'],
    };
    for (const [name, [type, source]] of Object.entries(sources)) {
      await api.must('PUT', `${layerPath('billing@base')}/documents/${name}`, source, { 'content-type': type });
    }
    expect(await api.values('billing@base')).toEqual({ 'a.json': { k: [1, null] }, 'a.toml': { k: 1 }, 'a.properties': { k: { l: '1' } }, 'a.txt': 'k\n' });
    const unknown = await api.request('PUT', `${layerPath('billing@base')}/documents/new`, 'k=1', { 'content-type': 'application/x-www-form-urlencoded' });
    expect([unknown.status, unknown.json.code]).toEqual([415, 'unsupported_media_type']);
    const named = await api.request('PUT', `${layerPath('billing@base')}/documents/new?format=toml`, 'k=1', { 'content-type': 'application/x-www-form-urlencoded' });
    expect(named.status).toBe(200);
  });
});

describe('conditions', () => {
  it('refuses a write whose If-Match names another state', async () => {
    await api.putYaml('orders@base', 'a: 1\n');
    const { headers } = await api.get(`${layerPath('orders@base')}/documents/application`);
    const etag = headers.get('etag')!;
    expect((await api.putYaml('orders@base', 'a: 2\n', 'application', { 'if-match': etag })).status).toBe(200);
    const late = await api.putYaml('orders@base', 'a: 3\n', 'application', { 'if-match': etag });
    expect([late.status, late.json.code]).toEqual([412, 'precondition_failed']);
    expect(await api.values('orders@base')).toEqual({ application: { a: 2 } });
  });

  it('publishes once however often the same Idempotency-Key is sent', async () => {
    await api.putYaml('orders@base', 'n: 0\n');
    const key = { 'idempotency-key': 'order-the-same-twice' };
    const first = await api.patch('orders@base', { n: 1 }, 'application', key);
    await api.patch('orders@base', { n: 2 });
    const again = await api.patch('orders@base', { n: 1 }, 'application', key);
    expect(again.json).toEqual(first.json);
    expect(again.headers.get('idempotency-replayed')).toBe('true');
    expect(await api.values('orders@base')).toEqual({ application: { n: 2 } });
    const other = await api.patch('orders@base', { n: 3 }, 'application', key);
    expect([other.status, other.json.code]).toEqual([422, 'idempotency_key_reused']);
  });

  it('finds the revision of a publish whose answer was lost', async () => {
    const key = { 'idempotency-key': 'lost-answer' };
    const first = await api.putYaml('orders@base', 'lost: 1\n', 'application', key);
    await server.database.dataSource.query(
      `UPDATE idempotency_key SET status = NULL, body = NULL, created_at = created_at - interval '2 minutes' WHERE key = 'lost-answer'`,
    );
    const again = await api.putYaml('orders@base', 'lost: 1\n', 'application', key);
    expect(again.json.revision).toBe(first.json.revision);
    expect(await revision()).toBe(first.json.revision);
  });
});

describe('a change over many layers', () => {
  it('is one revision, and shows in no layer before it is published', async () => {
    await api.putYaml('orders@base', 'a: 1\n');
    await api.putYaml('common@base', 'log: info\n');
    const { json: change } = await api.must('POST', '/api/v1/changes', { title: 'Both at once' });
    const at = (layer: string): string => `/api/v1/changes/${change.id}${layerPath(layer).replace('/api/v1', '')}`;
    await api.must('PATCH', `${at('orders@base')}/documents/application`, '{"a":2}', { 'content-type': 'application/merge-patch+json' });
    await api.must('PATCH', `${at('orders@base')}/documents/application`, '{"b":3}', { 'content-type': 'application/merge-patch+json' });
    await api.must('PUT', `${at('common@production')}/documents/application`, 'log: warn\n', { 'content-type': 'application/yaml' });
    await api.must('PUT', `${at('orders@base')}/includes`, { includes: [{ service: 'common' }] });
    const before = await revision();
    expect(await api.values('orders@production')).toEqual({ application: { a: 1 } });
    const impact = await api.must('GET', `/api/v1/changes/${change.id}/impact`);
    const published = await api.must('POST', `/api/v1/changes/${change.id}/publish`);
    expect(published.json.impact).toEqual(impact.json.impact);
    expect(published.json.revision).toBe(before + 1);
    const { json: shown } = await api.must('GET', `/api/v1/revisions/${before + 1}`);
    expect(shown.layers.map((layer: { service: string; environment: string }) => `${layer.service}@${layer.environment}`)).toEqual(['common@production', 'orders@base']);
    expect(await api.values('orders@production')).toEqual({ application: { log: 'warn', a: 2, b: 3 } });
    expect((await api.get(`/api/v1/changes/${change.id}`)).json).toMatchObject({ status: 'published', revision: before + 1 });
    const again = await api.post(`/api/v1/changes/${change.id}/publish`);
    expect([again.status, again.json.code]).toEqual([409, 'change_not_open']);
    await api.must('DELETE', `${layerPath('orders@base')}/includes`);
  });

  it('conflicts with what was published to the same document since, and says base, theirs and yours', async () => {
    await api.putYaml('orders@base', 'a: 1\n');
    await api.putYaml('orders@base', 'x: 1\n', 'other');
    const { json: change } = await api.must('POST', '/api/v1/changes', { title: 'Too late' });
    const path = `/api/v1/changes/${change.id}/services/orders/environments/base/documents`;
    await api.must('PUT', `${path}/application`, 'a: 2\n', { 'content-type': 'application/yaml' });
    await api.putYaml('orders@base', 'x: 2\n', 'other');
    expect((await api.get(`/api/v1/changes/${change.id}/impact`)).status).toBe(200);
    await api.putYaml('orders@base', 'a: 3\n');
    const before = await revision();
    const conflict = await api.post(`/api/v1/changes/${change.id}/publish`);
    expect([conflict.status, conflict.json.code]).toEqual([409, 'change_conflict']);
    expect(conflict.json).toMatchObject({ base: 'a: 1\n', theirs: 'a: 3\n', yours: 'a: 2\n' });
    expect(await revision()).toBe(before);
    expect((await api.get(`/api/v1/changes/${change.id}`)).json.status).toBe('open');
    await api.must('DELETE', `${path}/application/edit`);
    const nothing = await api.post(`/api/v1/changes/${change.id}/publish`);
    expect([nothing.status, nothing.json.code]).toEqual([422, 'nothing_to_publish']);
    expect((await api.request('DELETE', `/api/v1/changes/${change.id}`)).status).toBe(204);
    expect((await api.get(`/api/v1/changes/${change.id}`)).json.status).toBe('discarded');
  });
});

describe('schemas', () => {
  const schema = { type: 'object', properties: { level: { enum: ['info', 'warn'] } } };

  beforeAll(async () => {
    await api.putYaml('common@base', 'level: info\n');
    await api.include('billing@base', 'common');
    await api.must('PUT', `${layerPath('billing@base')}/schemas/application`, schema);
  });

  it('refuse a library value that breaks a service which includes it, and nothing is written', async () => {
    const before = await revision();
    const refused = await api.putYaml('common@production', 'level: silly\n');
    expect([refused.status, refused.json.code]).toEqual([422, 'schema_violation']);
    expect(refused.json.violations.map(({ service, environment, path }: Record<string, string>) => `${service}@${environment} ${path}`)).toEqual([
      'billing@production /level',
      'billing@production-eu /level',
    ]);
    expect(await revision()).toBe(before);
  });

  it('refuse a schema that a present value would break, and a schema that is none', async () => {
    const refused = await api.request('PUT', `${layerPath('billing@base')}/schemas/application`, { type: 'object', required: ['absent'] });
    expect([refused.status, refused.json.code]).toEqual([422, 'schema_violation']);
    const invalid = await api.request('PUT', `${layerPath('billing@base')}/schemas/application`, { type: 'nonsense' });
    expect([invalid.status, invalid.json.code]).toEqual([422, 'schema_invalid']);
  });

  it('hold no longer once detached', async () => {
    await api.must('DELETE', `${layerPath('billing@base')}/schemas/application`);
    expect((await api.putYaml('common@production', 'level: silly\n')).status).toBe(200);
  });
});

describe('includes', () => {
  it('are read as of the revision they are pinned to', async () => {
    await api.given({}, ['shared', 'pinner']);
    const { json: first } = await api.putYaml('shared@base', 'v: 1\n');
    await api.putYaml('shared@base', 'v: 2\n');
    await api.must('PUT', `${layerPath('pinner@base')}/includes`, { includes: [{ service: 'shared', revision: first.revision }] });
    expect(await api.values('pinner@base')).toEqual({ application: { v: 1 } });
    await api.putYaml('shared@base', 'v: 3\n');
    expect(await api.values('pinner@base')).toEqual({ application: { v: 1 } });
    await api.include('pinner@base', 'shared');
    expect(await api.values('pinner@base')).toEqual({ application: { v: 3 } });
  });

  it('are written under If-Match like documents', async () => {
    const { headers, json } = await api.get(`${layerPath('pinner@base')}/includes`);
    expect(json).toEqual({ includes: [{ service: 'shared' }] });
    const etag = { 'if-match': headers.get('etag')! };
    expect((await api.request('PUT', `${layerPath('pinner@base')}/includes`, { includes: [] }, etag)).status).toBe(200);
    expect((await api.request('DELETE', `${layerPath('pinner@base')}/includes`, undefined, etag)).status).toBe(412);
  });

  it('refuse a cycle, an unknown service, and themselves', async () => {
    await api.given({}, ['ring-a', 'ring-b']);
    expect((await api.include('ring-a@base', 'ring-b')).status).toBe(200);
    expect((await api.include('ring-b@production', 'ring-a')).json).toMatchObject({ code: 'include_cycle', cycle: ['ring-b', 'ring-a', 'ring-b'] });
    expect((await api.include('ring-b@base', 'nobody')).json.code).toBe('service_not_found');
    expect((await api.include('ring-b@base', 'ring-b')).json.code).toBe('include_cycle');
  });

  it('keep a service from being archived', async () => {
    const refused = await api.request('DELETE', '/api/v1/services/ring-b');
    expect([refused.status, refused.json.code]).toEqual([409, 'service_included']);
    await api.must('DELETE', `${layerPath('ring-a@base')}/includes`);
    await api.must('DELETE', '/api/v1/services/ring-b');
    const write = await api.putYaml('ring-b@base', 'a: 1\n');
    expect([write.status, write.json.code]).toEqual([409, 'service_archived']);
    expect((await api.include('ring-a@base', 'ring-b')).json.code).toBe('service_archived');
  });
});

describe('limits', () => {
  it('hold the number of documents of a layer', async () => {
    await api.given({}, ['full']);
    const { json: change } = await api.must('POST', '/api/v1/changes', { title: 'Too many' });
    for (let index = 0; index < 101; index += 1) {
      await api.must('PUT', `/api/v1/changes/${change.id}/services/full/environments/base/documents/d${index}`, '{}', { 'content-type': 'application/json' });
    }
    const refused = await api.post(`/api/v1/changes/${change.id}/publish`);
    expect([refused.status, refused.json.code]).toEqual([413, 'layer_full']);
  });
});
