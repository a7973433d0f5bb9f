import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Api, layerPath } from './support/api';
import { createTestDatabase, type TestDatabase } from './support/database';
import { startEdge, type TestEdge } from './support/edge';
import { eventually } from './support/eventually';
import { describeWithNats, startNats, type NatsServer } from './support/nats';
import { opened } from './support/open-resources';
import { startProxy, type Proxy } from './support/proxy';
import { MASTER_KEY, startServer, type TestServer } from './support/server';

jest.setTimeout(60_000);

const PATCH = { 'content-type': 'application/merge-patch+json' };
const seal = (api: Api, password: string) => api.must('PATCH', `${layerPath('orders@base')}/documents/application?seal=true`, JSON.stringify({ password }), PATCH);
const aKey = async (api: Api): Promise<string> => (await api.must('POST', '/api/v1/client-keys', { name: 'reader', service: '*', environment: 'base' })).json.secret as string;

describeWithNats('given edges with and without the master keys', () => {
  let nats: NatsServer;
  let database: TestDatabase;
  let server: TestServer;
  let rich: TestEdge;
  let poor: TestEdge;
  let api: Api;
  let key: string;

  beforeAll(async () => {
    nats = await startNats();
    database = await createTestDatabase();
    server = await startServer({ nats: { url: nats.url } }, database);
    api = new Api(server.url, server.token);
    await api.given({}, ['orders', 'later']);
    key = await aKey(api);
    rich = await startEdge(nats.url, { secrets: { masterKeys: MASTER_KEY } });
    poor = await startEdge(nats.url);
    await seal(api, 'of-the-edge');
  });
  afterAll(async () => {
    await rich.close();
    await poor.close();
    await server.close();
    await database.close();
    await nats.close();
  });

  const read = (edge: { url: string }, service = 'orders') => new Api(edge.url, key).get(`/v1/config/base/${service}`);

  it('serves clear text where the keys are, as the replica does', async () => {
    await eventually(async () => expect((await read(rich)).json.documents?.application?.value).toEqual({ password: 'of-the-edge' }));
    const [there, here] = [await read(server), await read(rich)];
    expect([here.text, here.headers.get('etag')]).toEqual([there.text, there.headers.get('etag')]);
  });

  it('serves the error of each value where they are not', async () => {
    await eventually(async () => expect((await read(poor)).json.unreadable).toEqual([{ document: 'application', path: '/password', reason: 'master_key_missing' }]));
    expect((await read(poor)).text).not.toContain('of-the-edge');
  });

  it('hears of new data keys, and of new values', async () => {
    await api.must('POST', '/api/v1/services/orders/data-keys');
    await seal(api, 'with-the-next-key');
    await eventually(async () => expect((await read(rich)).json.documents.application.value).toEqual({ password: 'with-the-next-key' }));
  });
});

describe('given a process that starts without the database', () => {
  let folder: string;
  let removed: () => void;
  let database: TestDatabase;
  let proxy: Proxy;
  let key: string;

  const start = (masterKeys: string | undefined = MASTER_KEY): Promise<TestServer> =>
    startServer({ databaseUrl: proxy.through(database.url), copy: { folder: path.join(folder, 'copy') }, database: { connectTimeoutMs: 500 }, secrets: { masterKeys } }, database);

  beforeAll(async () => {
    folder = mkdtempSync(path.join(tmpdir(), 'trimtab-sealed-'));
    removed = opened(`folder ${folder}`);
    database = await createTestDatabase();
    proxy = await startProxy(database.url);
    const server = await start();
    const api = new Api(server.url, server.token);
    await api.given({}, ['orders']);
    key = await aKey(api);
    await seal(api, 'from-the-disk');
    await api.as(key).values('orders@base');
    await server.close();
    proxy.refuse();
  });
  afterAll(async () => {
    await proxy.close();
    await database.close();
    rmSync(folder, { recursive: true, force: true });
    removed();
  });

  it('opens what is sealed in its disk copy, which holds nothing in clear text', async () => {
    const server = await start();
    try {
      expect(await new Api(server.url, key).values('orders@base')).toEqual({ application: { password: 'from-the-disk' } });
    } finally {
      await server.close();
    }
    const copy = path.join(folder, 'copy');
    const contents = readdirSync(copy).map((file) => readFileSync(path.join(copy, file), 'latin1'));
    expect([contents.some((text) => text.includes('trimtab:sealed:1:')), contents.some((text) => text.includes('from-the-disk'))]).toEqual([true, false]);
  });
});
