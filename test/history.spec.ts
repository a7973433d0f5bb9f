import { Api, layerPath } from './support/api';
import { startServer, type TestServer } from './support/server';

let server: TestServer;
let api: Api;

beforeAll(async () => {
  server = await startServer();
  api = new Api(server.url, server.token);
  await api.given({ staging: 'base', production: 'base' }, ['orders', 'billing']);
});

afterAll(() => server.close());

describe('given a layer with three versions', () => {
  let revisions: number[];

  beforeAll(async () => {
    revisions = [];
    for (const source of ['a: 1\n', 'a: 2 # two\nb: x\n', 'b: x\n']) {
      revisions.push((await api.putYaml('orders@base', source)).json.revision as number);
    }
  });

  it('lists them newest first, page by page', async () => {
    const first = await api.get(`${layerPath('orders@base')}/releases?limit=2`);
    expect(first.json.items.map(({ version }: { version: number }) => version)).toEqual([3, 2]);
    const second = await api.get(`${layerPath('orders@base')}/releases?limit=2&cursor=${first.json.nextCursor}`);
    expect(second.json.items.map(({ version }: { version: number }) => version)).toEqual([1]);
    expect(second.json.nextCursor).toBeUndefined();
  });

  it('compares any two, by text and by key', async () => {
    const { json } = await api.get(`${layerPath('orders@base')}/compare?from=1&to=2`);
    expect(json.entries).toHaveLength(1);
    expect(json.entries[0]).toMatchObject({
      kind: 'document',
      name: 'application',
      op: 'replace',
      changes: [{ path: '/a', op: 'replace', before: 1, after: 2 }, { path: '/b', op: 'add', after: 'x' }],
    });
    expect(json.entries[0].text).toContain('-a: 1\n+a: 2 # two\n+b: x\n');
    expect((await api.get(`${layerPath('orders@base')}/compare?from=1&to=9`)).json.code).toBe('version_not_found');
  });

  it('reads the layer and the effective config as of any revision', async () => {
    for (const [index, expected] of [{ a: 1 }, { a: 2, b: 'x' }, { b: 'x' }].entries()) {
      expect(await api.values('orders@production', `?asOf=${revisions[index]}`)).toEqual({ application: expected });
    }
    const { json } = await api.get(`${layerPath('orders@base')}?asOf=${revisions[1]}`);
    expect(json.version).toBe(2);
    expect((await api.get(`${layerPath('orders@base')}/documents/application?asOf=${revisions[0]}`)).text).toBe('a: 1\n');
    expect((await api.get(`${layerPath('orders@base')}?asOf=0`)).json.version).toBe(0);
    expect((await api.get(`${layerPath('orders@base')}?asOf=99999`)).json.code).toBe('revision_not_found');
  });

  it('rolls back to a version by publishing its content again', async () => {
    const preview = await api.post(`${layerPath('orders@base')}/rollback`, { version: 2, dryRun: true });
    expect(preview.json.revision).toBeUndefined();
    const answer = await api.post(`${layerPath('orders@base')}/rollback`, { version: 2, message: 'Back to two' });
    expect(answer.json.layers).toEqual([{ service: 'orders', environment: 'base', version: 4 }]);
    expect((await api.get(`${layerPath('orders@base')}/documents/application`)).text).toBe('a: 2 # two\nb: x\n');
    expect((await api.get(`/api/v1/revisions/${answer.json.revision}`)).json).toMatchObject({ kind: 'rollback', message: 'Back to two' });
    const nothing = await api.post(`${layerPath('orders@base')}/rollback`, { version: 2 });
    expect(nothing.json.code).toBe('nothing_to_publish');
    expect((await api.post(`${layerPath('orders@base')}/rollback`, { version: 77 })).json.code).toBe('version_not_found');
  });
});

describe('given a revision over two layers', () => {
  let revision: number;

  beforeAll(async () => {
    await api.putYaml('orders@staging', 'n: 1\n');
    await api.putYaml('billing@staging', 'n: 1\n');
    const { json: change } = await api.must('POST', '/api/v1/changes', { title: 'Two' });
    for (const service of ['orders', 'billing']) {
      await api.must('PUT', `/api/v1/changes/${change.id}/services/${service}/environments/staging/documents/application`, 'n: 2\n', { 'content-type': 'application/yaml' });
    }
    revision = (await api.must('POST', `/api/v1/changes/${change.id}/publish`)).json.revision as number;
  });

  it('refuses to undo it over what others have published since, and undoes nothing', async () => {
    await api.putYaml('billing@staging', 'n: 3\n');
    const refused = await api.post(`/api/v1/revisions/${revision}/rollback`, {});
    expect(refused.json).toMatchObject({ code: 'change_conflict', base: 'n: 2\n', theirs: 'n: 3\n', yours: 'n: 1\n' });
    expect(await api.values('orders@staging')).toMatchObject({ application: { n: 2 } });
    await api.putYaml('billing@staging', 'n: 2\n');
  });

  it('undoes it in both layers as one revision', async () => {
    const answer = await api.must('POST', `/api/v1/revisions/${revision}/rollback`, {});
    expect(answer.json.layers).toHaveLength(2);
    expect(await api.values('orders@staging')).toMatchObject({ application: { n: 1 } });
    expect(await api.values('billing@staging')).toMatchObject({ application: { n: 1 } });
  });
});

describe('environments', () => {
  it('are compared by what their instances receive', async () => {
    await api.putYaml('billing@production', 'n: 10\n');
    const { json } = await api.get('/api/v1/compare?service=billing&from=staging&to=production');
    expect(json.documents).toEqual([{ name: 'application', text: expect.stringContaining('-n: 1\n+n: 10\n'), changes: [{ path: '/n', op: 'replace', before: 1, after: 10 }] }]);
  });

  it('are promoted to one another as a change', async () => {
    const { json: change } = await api.must('POST', '/api/v1/promotions', { services: ['billing'], from: 'production', to: 'staging' });
    expect(change).toMatchObject({ kind: 'promotion', status: 'open', edits: [{ service: 'billing', environment: 'staging', next: { source: 'n: 10\n' } }] });
    await api.must('POST', `/api/v1/changes/${change.id}/publish`);
    expect(await api.values('billing@staging')).toEqual({ application: { n: 10 } });
    expect((await api.post('/api/v1/promotions', { services: ['billing'], from: 'staging', to: 'staging' })).json.code).toBe('malformed_request');
    expect((await api.post('/api/v1/promotions', { services: ['billing'], from: 'staging', to: 'production', documents: ['absent'] })).json.code).toBe('document_not_found');
  });
});

describe('origins', () => {
  it('say which layer, version and line every key comes from, and what it overrides', async () => {
    await api.given({}, ['explained']);
    await api.putYaml('explained@base', '# top\na: 1\nb:\n  c: 2\n');
    await api.patch('explained@production', { b: { c: 3 } });
    const { json } = await api.get(`${layerPath('explained@production')}/effective`);
    expect(json.documents.application.origins).toEqual([
      { path: '/a', service: 'explained', environment: 'base', version: 1, line: 2, overrides: [] },
      { path: '/b/c', service: 'explained', environment: 'production', version: 1, line: 2, overrides: [{ service: 'explained', environment: 'base', version: 1 }] },
    ]);
  });
});
