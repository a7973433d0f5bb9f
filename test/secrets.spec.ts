import { Api, layerPath } from './support/api';
import { startServer, type TestServer } from './support/server';

let server: TestServer;
let api: Api;

beforeAll(async () => {
  server = await startServer();
  api = new Api(server.url, server.token);
  await api.given({ staging: 'base', production: 'base' }, ['orders', 'billing', 'common']);
});
afterAll(() => server.close());

const PATCH = { 'content-type': 'application/merge-patch+json' };
const sealInto = (layer: string, patch: object, document = 'application', query = '') =>
  api.request('PATCH', `${layerPath(layer)}/documents/${document}?seal=true${query}`, JSON.stringify(patch), PATCH);
const clientKey = async (service = '*', environment = 'base'): Promise<Api> =>
  api.as((await api.must('POST', '/api/v1/client-keys', { name: 'client', service, environment })).json.secret as string);

it('gives clear text to client keys, and what is stored to everybody else', async () => {
  expect((await sealInto('orders@production', { db: { password: 'hunter2-in-production' } })).status).toBe(200);
  const client = await clientKey('orders', 'production');
  expect(await client.values('orders@production')).toEqual({ application: { db: { password: 'hunter2-in-production' } } });
  expect(await api.values('orders@production')).toEqual({ application: { db: { password: expect.stringMatching(/^trimtab:sealed:1:/) } } });
});
