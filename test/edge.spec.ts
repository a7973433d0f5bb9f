import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Api, type Answer } from './support/api';
import { openStream } from './support/connections';
import { createTestDatabase, type TestDatabase } from './support/database';
import { edgeChecks, edgeReaches, startEdge, type TestEdge } from './support/edge';
import { eventually } from './support/eventually';
import { describeWithNats, startNats, type NatsServer } from './support/nats';
import { startServer, type TestServer } from './support/server';

jest.setTimeout(60_000);

describeWithNats('given a replica and an edge over one NATS', () => {
  let nats: NatsServer;
  let database: TestDatabase;
  let server: TestServer;
  let edge: TestEdge;
  let api: Api;
  let key: string;

  beforeAll(async () => {
    nats = await startNats();
    database = await createTestDatabase();
    server = await startServer({ nats: { url: nats.url } }, database);
    api = new Api(server.url, server.token);
    await api.given({ production: 'base' }, ['orders', 'common', 'nothing-yet']);
    await api.putYaml('common@base', 'common: 0\n');
    await api.include('orders@base', 'common');
    await api.putYaml('orders@production', 'own: 0 # as written\n');
    key = (await api.must('POST', '/api/v1/client-keys', { name: 'reader', service: '*', environment: 'base' })).json.secret as string;
    edge = await startEdge(nats.url);
    await edgeReaches(edge.url, await head());
    await eventually(async () => expect((await atEdge('/v1/config/production/orders')).status).toBe(200));
  });
  afterAll(async () => {
    await edge.close();
    await server.close();
    await database.close();
    await nats.close();
  });

  const atEdge = (path: string, headers?: Record<string, string>): Promise<Answer> => new Api(edge.url, key).get(path, headers);
  const atReplica = (path: string): Promise<Answer> => new Api(server.url, key).get(path);
  const head = async (): Promise<number> => (await api.must('GET', '/api/v1/revisions?limit=1')).json.items[0].revision as number;

  it.each(['/v1/config/production/orders', '/v1/config/base/orders', '/v1/config/production/orders/application', '/v1/config/production/nothing-yet'])(
    'serves %s exactly as the replica does',
    async (path) => {
      const [there, here] = await Promise.all([atReplica(path), atEdge(path)]);
      expect(here.status).toBe(200);
      expect(here.text).toBe(there.text);
      expect(here.headers.get('etag')).toBe(there.headers.get('etag'));
      expect(here.headers.get('trimtab-revision')).toBe(there.headers.get('trimtab-revision'));
    },
  );

  it('refuses what it does not know, what only a replica knows, and who is not a client', async () => {
    expect((await atEdge('/v1/config/production/unheard-of')).json).toMatchObject({ status: 404, code: 'service_not_found' });
    // The key reads every service everywhere: it may know that there is no such environment.
    expect((await atEdge('/v1/config/nowhere/orders')).json).toMatchObject({ status: 404, code: 'environment_not_found' });
    expect((await atEdge('/v1/config/production/orders?asOf=1')).json).toMatchObject({ status: 400, detail: expect.stringContaining('Ask a replica') });
    expect((await atEdge('/v1/config/production/orders?origin=true')).json).toMatchObject({ status: 400, detail: expect.stringContaining('Ask a replica') });
    expect((await new Api(edge.url, key).post('/api/v1/services', { name: 'x' })).json).toMatchObject({ status: 404, code: 'route_not_found' });
    // Administrator tokens are not distributed.
    expect((await new Api(edge.url, server.token).get('/v1/config/production/orders')).json).toMatchObject({ status: 401 });
    expect((await atEdge('/metrics')).text).toMatch(/^trimtab_nats_following 1$/m);
  });

  it('lets a client that has seen more wait, and refuses it when nothing comes', async () => {
    const ahead = (await head()) + 1;
    const waiting = atEdge(`/v1/config/production/orders?revision=${ahead}`);
    await api.putYaml('orders@production', `own: ${ahead}\n`);
    expect((await waiting).json).toMatchObject({ revision: ahead });
    expect((await atEdge(`/v1/config/production/orders?revision=${ahead + 1_000}`)).json).toMatchObject({ status: 503, code: 'unavailable' });
  });

  it('follows a library into every service and environment, as one revision', async () => {
    const { json } = await api.putYaml('common@base', 'common: 7\n');
    await edgeReaches(edge.url, json.revision as number);
    for (const environment of ['base', 'production']) {
      const here = await atEdge(`/v1/config/${environment}/orders`);
      expect(here.text).toBe((await atReplica(`/v1/config/${environment}/orders`)).text);
      expect(here.json.documents.application.value).toMatchObject({ common: 7 });
    }
  });

  it('never shows a new environment without what it inherits', async () => {
    await api.must('POST', '/api/v1/environments', { name: 'production-eu', parent: 'production' });
    const seen = await eventually(async () => {
      const answer = await atEdge('/v1/config/production-eu/orders');
      if (answer.status !== 200) throw new Error(answer.text);
      return answer;
    });
    expect(seen.text).toBe((await atReplica('/v1/config/production-eu/orders')).text);
    expect(seen.json.documents.application.value).toMatchObject({ common: 7 });
  });

  it('carries a document that no single message could', async () => {
    const blob = randomBytes(900_000).toString('base64').slice(0, 1_000_000);
    const { json } = await api.putYaml('orders@production', `blob: ${blob}\n`, 'large');
    await edgeReaches(edge.url, json.revision as number);
    expect((await atEdge('/v1/config/production/orders')).text).toBe((await atReplica('/v1/config/production/orders')).text);
    await api.must('DELETE', '/api/v1/services/orders/environments/production/documents/large');
  });

  it('ends the connections of a revoked key within a second, and lets it in no more', async () => {
    const { json } = await api.must('POST', '/api/v1/client-keys', { name: 'short-lived', service: 'orders', environment: 'production' });
    const revoked = new Api(edge.url, json.secret as string);
    await eventually(async () => expect((await revoked.get('/v1/config/production/orders')).status).toBe(200));
    const stream = await fetch(`${edge.url}/v1/config/production/orders`, { headers: { authorization: `Bearer ${json.secret}`, accept: 'text/event-stream' } });
    const ended = (async () => {
      await stream.text().catch(() => undefined);
      return performance.now();
    })();
    const at = performance.now();
    await api.must('DELETE', `/api/v1/client-keys/${json.id}`);
    expect((await ended) - at).toBeLessThan(1_000);
    expect((await revoked.get('/v1/config/production/orders')).status).toBe(401);
  });

  it('knows both secrets of a key that is rotated, and cuts nobody off before the old one ends', async () => {
    const { id, secret } = (await api.must('POST', '/api/v1/client-keys', { name: 'rotated', service: 'orders', environment: 'production' })).json as { id: string; secret: string };
    const status = async (one: string): Promise<number> => (await new Api(edge.url, one).get('/v1/config/production/orders')).status;
    await eventually(async () => expect(await status(secret)).toBe(200));
    const connection = await openStream(edge.url, secret, { service: 'orders', environment: 'production' });
    let code: string | undefined;
    void connection.ended.then((ended) => (code = ended));
    const rotate = async (overlap: string): Promise<string> => (await api.must('POST', `/api/v1/client-keys/${id}/rotate`, { overlap })).json.secret as string;
    const second = await rotate('1h');
    await eventually(async () => expect(await status(second)).toBe(200));
    expect([await status(secret), code]).toEqual([200, undefined]);
    const third = await rotate('1h');
    await eventually(async () => expect([await status(secret), await status(second), await status(third)]).toEqual([401, 200, 200]));
    expect(await connection.ended).toBe('unauthenticated');
    await api.must('DELETE', `/api/v1/client-keys/${id}`);
    await eventually(async () => expect([await status(second), await status(third)]).toEqual([401, 401]));
  });

  it('is listed among the processes, and its instances among all, for whoever asks a replica', async () => {
    const events = await fetch(`${edge.url}/v1/config/production/orders`, { headers: { authorization: `Bearer ${key}`, accept: 'text/event-stream' } });
    await eventually(async () => {
      const { items } = (await api.must('GET', '/api/v1/replicas')).json as { items: { kind: string; position: number }[] };
      expect(items.map(({ kind }) => kind).sort()).toEqual(['edge', 'replica']);
      expect((await api.must('GET', '/api/v1/instances?service=orders')).json.items).toMatchObject([{ service: 'orders', environment: 'production', transport: 'sse' }]);
    });
    await events.body!.cancel();
    await eventually(async () => expect((await api.must('GET', '/api/v1/instances?service=orders')).json.items).toEqual([]));
  });

  it('serves on without NATS, delays no publish by it, and catches up by itself', async () => {
    const before = (await atEdge('/v1/config/production/orders')).text;
    await nats.kill();
    await eventually(async () => expect(await edgeChecks(edge.url)).toMatchObject({ nats: 'down', following: false }));
    const at = performance.now();
    const { json } = await api.putYaml('orders@production', 'own: 100\n');
    expect(performance.now() - at).toBeLessThan(2_000);
    expect((await atReplica('/v1/config/production/orders')).json.revision).toBe(json.revision);
    expect((await atEdge('/v1/config/production/orders')).text).toBe(before);
    expect((await fetch(`${edge.url}/health/ready`)).status).toBe(200);
    await nats.start();
    await edgeReaches(edge.url, json.revision as number, 20_000);
    expect((await atEdge('/v1/config/production/orders')).text).toBe((await atReplica('/v1/config/production/orders')).text);
  });

  it('fills a NATS that has lost everything again, and no edge goes back meanwhile', async () => {
    const { json: first } = await api.putYaml('orders@production', 'own: 200\n');
    await edgeReaches(edge.url, first.revision as number);
    await nats.kill();
    await nats.start({ empty: true });
    const revisions: number[] = [];
    const { json: second } = await api.putYaml('orders@production', 'own: 201\n');
    await eventually(
      async () => {
        const { json } = await atEdge('/v1/config/production/orders');
        revisions.push(json.revision as number);
        expect(json.revision).toBe(second.revision);
      },
      { timeoutMs: 20_000 },
    );
    expect(revisions).toEqual([...revisions].sort((a, b) => a - b));
    expect(revisions[0]).toBeGreaterThanOrEqual(first.revision as number);
    // The keys are there again as well, for an edge that starts only now.
    const another = await startEdge(nats.url);
    await eventually(async () => expect((await new Api(another.url, key).get('/v1/config/production/orders')).json).toMatchObject({ revision: second.revision }));
    await another.close();
  });

  it('serves what it has kept on disk when it starts without NATS, and goes on from there', async () => {
    const copy = { folder: mkdtempSync(path.join(tmpdir(), 'trimtab-edge-copy-')) };
    const first = await startEdge(nats.url, { copy });
    const before = await eventually(() => new Api(first.url, key).must('GET', '/v1/config/production/orders'));
    await first.close();
    await nats.kill();
    const second = await startEdge(nats.url, { copy });
    const there = new Api(second.url, key);
    expect((await fetch(`${second.url}/health/ready`)).status).toBe(200);
    expect((await there.get('/v1/config/production/orders')).text).toBe(before.text);
    expect((await there.get('/v1/config/base/common')).json).toMatchObject({ status: 503, code: 'unavailable' });
    expect((await there.as(`${key.slice(0, -2)}xx`).get('/v1/config/production/orders')).status).toBe(401);
    const { json } = await api.putYaml('orders@production', 'own: 300\n');
    await nats.start();
    await eventually(async () => expect((await there.get('/v1/config/production/orders')).json).toMatchObject({ revision: json.revision }), { timeoutMs: 20_000 });
    expect((await there.get('/v1/config/base/common')).status).toBe(200);
    await second.close();
    rmSync(copy.folder, { recursive: true });
  });

  it('starts without NATS as not ready, says so to clients, and serves as soon as it can', async () => {
    await nats.kill();
    const late = await startEdge(nats.url);
    expect((await fetch(`${late.url}/health/ready`)).status).toBe(503);
    expect((await fetch(`${late.url}/health/live`)).status).toBe(200);
    expect((await new Api(late.url, key).get('/v1/config/production/orders')).json).toMatchObject({ status: 503, code: 'unavailable' });
    await nats.start();
    await eventually(async () => expect((await new Api(late.url, key).get('/v1/config/production/orders')).status).toBe(200), { timeoutMs: 20_000 });
    await late.close();
  });
});
