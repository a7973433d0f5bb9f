import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DiskCopy } from '../src/copy/disk-copy';
import { Api } from './support/api';
import { createTestDatabase, type TestDatabase } from './support/database';
import { eventually } from './support/eventually';
import { opened } from './support/open-resources';
import { startServer, type TestServer } from './support/server';

/** What `test/recovery.spec.ts` shows with real restores, here with a log whose end is deleted: quicker, and by itself. */
let database: TestDatabase;
let folder: string;
let removed: () => void;
let servers: TestServer[] = [];

beforeEach(async () => {
  database = await createTestDatabase();
  folder = mkdtempSync(path.join(tmpdir(), 'trimtab-regressed-'));
  removed = opened(`folder ${folder}`);
});
afterEach(async () => {
  for (const server of servers) await server.close();
  servers = [];
  await database.close();
  rmSync(folder, { recursive: true, force: true });
  removed();
});

async function start(name?: string, pollIntervalMs = 50): Promise<{ server: TestServer; api: Api }> {
  const copy = name === undefined ? {} : { copy: { folder: path.join(folder, name) } };
  const server = await startServer({ log: { pollIntervalMs }, ...copy }, database);
  servers.push(server);
  return { server, api: new Api(server.url, server.token) };
}

async function stop({ server }: { server: TestServer }): Promise<void> {
  servers = servers.filter((one) => one !== server);
  await server.close();
}

async function publish(api: Api, source: string): Promise<number> {
  const { json, status, text } = await api.putYaml('orders@base', source);
  if (status !== 200) throw new Error(text);
  return json.revision as number;
}

/** As a restore of an older backup leaves it. */
async function loseAfter(revision: number): Promise<void> {
  await database.dataSource.transaction(async (manager) => {
    for (const statement of [
      'DELETE FROM change_edit WHERE change_id IN (SELECT id FROM change WHERE revision > $1)',
      'DELETE FROM change WHERE revision > $1',
      'DELETE FROM release_document d USING release r WHERE r.layer_id = d.layer_id AND r.version = d.version AND r.revision > $1',
      'DELETE FROM release WHERE revision > $1',
      'DELETE FROM revision WHERE id > $1',
    ]) {
      await manager.query(statement, [revision]);
    }
    await manager.query('UPDATE layer l SET (version, revision) = (SELECT version, revision FROM release r WHERE r.layer_id = l.id ORDER BY version DESC LIMIT 1)');
  });
}

const health = async (api: Api) => (await api.as(undefined).get('/health/ready')).json;

it('never gives a number a second time, also before anybody has noticed that the log lost its end', async () => {
  // This one hears of nothing by itself.
  const { api } = await start(undefined, 600_000);
  await api.given({}, ['orders']);
  const kept = await publish(api, 'n: 1\n');
  const lost = await publish(api, 'n: 2\n');
  await loseAfter(kept);
  expect((await api.putYaml('orders@base', 'n: 3\n')).json).toMatchObject({ status: 409, code: 'log_regressed', head: kept, seen: lost });
});

it('remembers by its disk copy, serves from it, and tells the others', async () => {
  const before = await start('copy');
  await before.api.given({}, ['orders']);
  const kept = await publish(before.api, 'n: 1\n');
  const lost = await publish(before.api, 'n: 2\n');
  await before.api.values('orders@base');
  await eventually(async () => expect((await health(before.api)).copy).toMatchObject({ position: lost, snapshots: 1, behindMs: 0 }));
  await stop(before);
  await loseAfter(kept);

  const stranger = await start();
  expect((await health(stranger.api)).log.state).toBe('followed');
  const { api } = await start('copy');
  expect(await health(api)).toMatchObject({ status: 'ready', serving: 'copy', checks: { position: lost }, log: { state: 'regressed', reason: 'shorter', head: kept, seen: lost } });
  expect(await api.values('orders@base')).toEqual({ application: { n: 2 } });
  expect((await api.get('/api/v1/services/orders/environments/base')).json).toMatchObject({ code: 'log_regressed' });
  for (const one of [api, stranger.api]) expect((await one.putYaml('orders@base', 'n: 3\n')).json).toMatchObject({ code: 'log_regressed', seen: lost });

  const { json } = await stranger.api.must('POST', '/api/v1/recoveries', { message: 'restored' }, { 'idempotency-key': 'once' });
  expect(json).toEqual({ revision: lost + 1, head: kept, seen: lost });
  expect((await stranger.api.must('POST', '/api/v1/recoveries', { message: 'restored' }, { 'idempotency-key': 'once' })).json).toEqual(json);
  for (const one of [api, stranger.api]) {
    await eventually(async () => expect((await one.must('GET', '/v1/config/base/orders')).json).toMatchObject({ revision: lost + 1, documents: { application: { value: { n: 1 } } } }));
  }
  expect(await publish(api, 'n: 4\n')).toBe(lost + 2);
});

it('notices a log that has grown past its position in another way', async () => {
  const first = await start('copy');
  await first.api.given({}, ['orders']);
  const kept = await publish(first.api, 'n: 1\n');
  await publish(first.api, 'n: 2\n');
  await first.api.values('orders@base');
  await eventually(() => expect(first.server.app.get(DiskCopy).state?.mark?.revision).toBe(kept + 1));
  await stop(first);
  await loseAfter(kept);
  const stranger = await start();
  for (const n of [10, 11, 12]) await publish(stranger.api, `n: ${n}\n`);

  const { api } = await start('copy');
  expect((await health(api)).log).toMatchObject({ state: 'regressed', reason: 'rewritten', seen: kept + 1 });
  expect(await api.values('orders@base')).toEqual({ application: { n: 2 } });
  const { json } = await api.must('POST', '/api/v1/recoveries', { message: 'they went on' });
  expect(json.revision).toBe(kept + 4);
  await eventually(async () => expect(await api.values('orders@base')).toEqual({ application: { n: 12 } }));
});

it('goes above what an administrator knows', async () => {
  const { api } = await start();
  await api.given({}, ['orders']);
  await publish(api, 'n: 1\n');
  expect((await api.post('/api/v1/recoveries', { message: 'nothing is wrong' })).json).toMatchObject({ code: 'log_not_regressed' });
  expect((await api.must('POST', '/api/v1/recoveries', { message: 'the dashboards say 5000', above: 5_000 })).json).toMatchObject({ revision: 5_001 });
  expect((await api.must('GET', '/v1/config/base/orders')).json).toMatchObject({ revision: 5_001, documents: { application: { value: { n: 1 } } } });
  expect(await publish(api, 'n: 2\n')).toBe(5_002);
  expect((await api.get('/v1/config/base/orders?asOf=4000')).json).toMatchObject({ code: 'revision_not_found' });
});

it('counts clients that have seen more than any process remembers, and lets none of them stop publishing', async () => {
  const before = await start();
  await before.api.given({}, ['orders']);
  const kept = await publish(before.api, 'n: 1\n');
  const lost = await publish(before.api, 'n: 2\n');
  await stop(before);
  await loseAfter(kept);

  const { api } = await start();
  for (const revision of [lost + 2, lost + 2, lost + 3]) expect((await api.get(`/v1/config/base/orders?revision=${revision}`)).status).toBe(503);
  expect((await health(api)).log).toEqual({ state: 'followed', clientsAhead: { count: 3, highest: lost + 3 } });
  expect(await publish(api, 'n: 3\n')).toBe(lost);
  expect((await api.must('POST', '/api/v1/recoveries', { message: 'restored' })).json).toMatchObject({ revision: lost + 4 });
  await eventually(() => api.must('GET', `/v1/config/base/orders?revision=${lost + 3}`));
});

it('takes no word of a client for what cannot be', async () => {
  const { api } = await start();
  await api.given({}, ['orders']);
  await publish(api, 'n: 1\n');
  expect((await api.get('/v1/config/base/orders?revision=9007199254740991')).status).toBe(503);
  expect((await health(api)).log).toEqual({ state: 'followed', clientsAhead: { count: 0, highest: 0 } });
});
