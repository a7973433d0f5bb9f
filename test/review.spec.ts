import type { Api as ApiType } from './support/api';
import { Api, layerPath } from './support/api';
import { aPerson, aServiceToken, type TestPerson } from './support/people';
import { startServer, type TestServer } from './support/server';

let server: TestServer;
let api: Api;
let ada: TestPerson;
let ben: TestPerson;
let eve: TestPerson;
let pipeline: ApiType;

const YAML = { 'content-type': 'application/yaml' };
let counter = 0;

beforeAll(async () => {
  server = await startServer();
  api = new Api(server.url, server.token);
  await api.given({ staging: 'base', production: 'base', 'production-eu': 'production' }, ['orders', 'billing', 'common', 'old']);
  ada = await aPerson(server.database, api, 'Ada', { role: 'owner' });
  ben = await aPerson(server.database, api, 'Ben', { role: 'approver' });
  eve = await aPerson(server.database, api, 'Eve', { role: 'owner' });
  pipeline = await aServiceToken(server.database, api, [{ role: 'publisher' }], eve);
  await api.putYaml('common@base', 'log: info\n');
  await api.putYaml('orders@base', 'pool: 1\n');
  await api.putYaml('orders@production', 'own: 1\n');
  await api.include('orders@base', 'common');
  await api.include('old@base', 'common');
  await api.must('DELETE', '/api/v1/services/old');
  await api.must('PATCH', '/api/v1/environments/production', { requiredApprovals: 1 });
});
afterAll(() => server.close());

/** A change by `author` that sets a key to what it never was. */
async function aChange(author: ApiType, layer = 'orders@production'): Promise<string> {
  const path = `/api/v1/changes/${(await author.must('POST', '/api/v1/changes', { title: 'Larger' })).json.id}`;
  await edit(author, path, layer);
  return path;
}

async function edit(author: ApiType, change: string, layer = 'orders@production'): Promise<number> {
  const { json } = await author.must('PUT', `${change}${layerPath(layer).slice('/api/v1'.length)}/documents/application`, `own: ${(counter += 1)}\n`, YAML);
  return json.edition as number;
}

async function review(who: TestPerson, change: string, verdict = 'approve', edition?: number) {
  const seen = edition ?? ((await api.must('GET', change)).json.edition as number);
  return who.api.post(`${change}/reviews`, { verdict, edition: seen });
}

describe('given a protected environment', () => {
  it('refuses every way to write into it directly, and says what to do', async () => {
    const refused = await Promise.all([
      api.putYaml('orders@production', 'own: direct\n'),
      api.patch('orders@production-eu', { own: 'direct' }),
      api.request('DELETE', `${layerPath('orders@production')}/documents/application`),
      api.include('billing@production', 'common'),
      api.request('PUT', `${layerPath('billing@production')}/schemas/application`, { type: 'object' }),
      api.post(`${layerPath('orders@production')}/rollback`, { version: 0 }),
      api.post('/api/v1/revisions/3/rollback', {}),
      api.post('/api/v1/imports', { files: [{ path: 'orders-production.yml', content: 'own: imported\n' }] }),
    ]);
    expect(refused.map(({ status, json }) => [status, json.code])).toEqual(refused.map(() => [409, 'approval_required']));
    expect(refused[0]!.json.approvals).toEqual({
      needed: 1,
      have: 0,
      reached: [
        { service: 'orders', environment: 'production', requiredApprovals: 1 },
        { service: 'orders', environment: 'production-eu', requiredApprovals: 1 },
      ],
    });
  });
});
