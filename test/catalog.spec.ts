import { ADMINISTRATION, Api } from './support/api';
import { eventually } from './support/eventually';
import { startServer, type TestServer } from './support/server';

let server: TestServer;
let api: Api;

beforeAll(async () => {
  server = await startServer();
  api = new Api(server.url, server.token);
});
afterAll(() => server.close());

describe('environments', () => {
  it('begin with base, and grow below it', async () => {
    expect((await api.get('/api/v1/environments/base')).json).toMatchObject({ name: 'base', parent: null });
    expect((await api.post('/api/v1/environments', { name: 'staging' })).json).toMatchObject({ name: 'staging', parent: 'base' });
    const eu = await api.post('/api/v1/environments', { name: 'staging-eu', parent: 'staging', description: 'Frankfurt' });
    expect(eu.status).toBe(201);
    expect(eu.json).toMatchObject({ parent: 'staging', description: 'Frankfurt' });
  });

  it('refuse a name that is taken, a parent that does not exist, and a second root', async () => {
    expect((await api.post('/api/v1/environments', { name: 'base' })).json).toMatchObject({ code: 'name_taken', pointer: '/name' });
    expect((await api.post('/api/v1/environments', { name: 'x', parent: 'nope' })).json).toMatchObject({ code: 'environment_not_found' });
    expect((await api.post('/api/v1/environments', { name: 'x', parent: null })).json).toMatchObject({ code: 'malformed_request' });
  });

  it('are described, and never moved', async () => {
    const changed = await api.request('PATCH', '/api/v1/environments/staging', { description: 'Before production' });
    expect(changed.json).toMatchObject({ description: 'Before production' });
    expect((await api.request('PATCH', '/api/v1/environments/staging', { parent: 'base', description: '' })).json).toMatchObject({ code: 'malformed_request', pointer: '/parent' });
    expect((await api.request('PATCH', '/api/v1/environments/nope', { description: '' })).json).toMatchObject({ code: 'environment_not_found' });
  });
});

describe('services', () => {
  it('are created once, however many ask at the same time', async () => {
    const answers = await Promise.all(Array.from({ length: 8 }, () => api.post('/api/v1/services', { name: 'raced' })));
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 409, 409, 409, 409, 409, 409, 409]);
  });

  it('change only as the ETag says that they were read', async () => {
    const { headers } = await api.must('POST', '/api/v1/services', { name: 'tagged', owner: 'a' });
    const etag = headers.get('etag') ?? '';
    const changed = await api.request('PATCH', '/api/v1/services/tagged', { owner: 'b' }, { 'if-match': etag });
    expect(changed.json).toMatchObject({ owner: 'b', description: '' });
    expect((await api.request('PATCH', '/api/v1/services/tagged', { owner: 'c' }, { 'if-match': etag })).json).toMatchObject({
      status: 412,
      code: 'precondition_failed',
      etag: changed.headers.get('etag'),
    });
    expect((await api.get('/api/v1/services/tagged', { 'if-none-match': changed.headers.get('etag') ?? '' })).status).toBe(304);
    expect((await api.get('/api/v1/services/tagged', { 'if-none-match': etag })).status).toBe(200);
  });

  it('leave the list when archived, and come back', async () => {
    await api.must('POST', '/api/v1/services', { name: 'gone' });
    const names = async (query: string) => (await api.get(`/api/v1/services?${query}`)).json.items.map(({ name }: { name: string }) => name);
    expect((await api.request('DELETE', '/api/v1/services/gone')).json.archivedAt).not.toBeNull();
    expect(await names('q=gone')).toEqual([]);
    expect(await names('archived=true')).toEqual(['gone']);
    expect((await api.post('/api/v1/services', { name: 'gone' })).json).toMatchObject({ code: 'name_taken' });
    await api.must('PATCH', '/api/v1/services/gone', { archived: false });
    expect(await names('q=gone')).toEqual(['gone']);
    expect((await api.request('DELETE', '/api/v1/services/nope')).json).toMatchObject({ code: 'service_not_found' });
  });

  it('cannot be archived while another includes them', async () => {
    await api.given({}, ['shared', 'user']);
    await api.must('PUT', '/api/v1/services/user/environments/base/includes', { includes: [{ service: 'shared' }] });
    expect((await api.request('DELETE', '/api/v1/services/shared')).json).toMatchObject({ status: 409, code: 'service_included' });
    expect((await api.get('/api/v1/services/shared')).json.archivedAt).toBeNull();
  });

  it('are listed page by page, each once, also while others are created', async () => {
    await api.given({}, ['page-a', 'page-b', 'page-c', 'page-d', 'page-e']);
    const seen: string[] = [];
    for (let cursor = ''; ; ) {
      const { json } = await api.must('GET', `/api/v1/services?q=page-&limit=2${cursor}`);
      seen.push(...json.items.map(({ name }: { name: string }) => name));
      if (json.nextCursor === undefined) break;
      cursor = `&cursor=${json.nextCursor}`;
      if (seen.length === 2) await api.must('POST', '/api/v1/services', { name: 'page-aa' });
    }
    expect(seen).toEqual(['page-a', 'page-b', 'page-c', 'page-d', 'page-e']);
  });
});

describe('given two servers on one database', () => {
  it('each knows at once what the other has created', async () => {
    const other = await startServer({}, server.database);
    try {
      await api.must('POST', '/api/v1/environments', { name: 'from-one' });
      await api.must('POST', '/api/v1/services', { name: 'from-one' });
      const elsewhere = new Api(other.url, server.token);
      expect((await elsewhere.get('/api/v1/environments/from-one')).status).toBe(200);
      expect((await elsewhere.get('/api/v1/services/from-one/environments/from-one')).status).toBe(200);
      await eventually(async () => expect((await elsewhere.get('/api/v1/environments?q=from')).json.items).toHaveLength(1));
    } finally {
      await other.close();
    }
  });
});

describe('the audit', () => {
  it('remembers who did what to what, newest first, and no values', async () => {
    const requestId = 'audited-request';
    await api.must('POST', '/api/v1/services', { name: 'audited', description: 'not to be seen' }, { 'x-request-id': requestId });
    await api.must('POST', '/api/v1/tokens', { name: 'second', grants: ADMINISTRATION });
    const { json, text } = await api.must('GET', '/api/v1/audit?limit=2');
    expect(json.items).toMatchObject([
      { action: 'token.create', subject: { name: 'second' } },
      { action: 'service.create', subject: { service: 'audited' }, requestId, actor: { kind: 'token', name: 'first administrator' } },
    ]);
    expect(text).not.toMatch(/not to be seen|tta_/);
    const older = await api.must('GET', `/api/v1/audit?limit=200&cursor=${json.nextCursor}`);
    expect(older.json.items[0].position).toBeLessThan(json.items[1].position);
  });

  it('is filtered by action and by actor', async () => {
    const { json } = await api.must('GET', '/api/v1/audit?action=environment.create');
    expect(new Set(json.items.map(({ action }: { action: string }) => action))).toEqual(new Set(['environment.create']));
    expect((await api.must('GET', '/api/v1/audit?actor=system')).json.items).toMatchObject([{ action: 'token.create' }]);
    expect((await api.get('/api/v1/audit?action=nope')).json).toMatchObject({ code: 'malformed_request', pointer: '/action' });
  });
});
