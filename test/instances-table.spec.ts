import { randomUUID } from 'node:crypto';
import type { Instance } from '../src/instances/instance';
import { InstanceTable } from '../src/instances/instance-table';
import type { ReplicaIdentity } from '../src/replicas/lease-book';
import { ReplicaTable } from '../src/replicas/replica-table';
import { defaultSettings } from '../src/settings/default-settings';
import { createTestDatabase, type TestDatabase } from './support/database';
import { eventually } from './support/eventually';

const STATUS = { position: 0, connections: 1, listening: true };
const ONE: Instance = {
  connection: 'c', service: 'orders', environment: 'base', info: { id: 'one' }, transport: 'socket.io', connectedAt: new Date(), state: 'connected',
  revision: undefined, etag: undefined, appliedRevision: undefined, reason: undefined, reportedAt: undefined,
};
const identity: ReplicaIdentity = { id: randomUUID(), kind: 'edge', host: 'h', pid: 1, version: '1', startedAt: new Date() };
const me = randomUUID();

let database: TestDatabase;
let replicas: ReplicaTable;
let table: InstanceTable;
let brief: ReplicaTable;

beforeAll(async () => {
  database = await createTestDatabase();
  replicas = new ReplicaTable(database.dataSource, defaultSettings({ replica: { leaseMs: 60_000 } }));
  brief = new ReplicaTable(database.dataSource, defaultSettings({ replica: { leaseMs: 1_500 } }));
  table = new InstanceTable(database.dataSource, replicas);
});
afterEach(() => database.dataSource.query('DELETE FROM replica'));
afterAll(() => database.close());

const others = async (of: ReplicaTable = replicas) => {
  const { rows, complete } = await of.readOthers<{ instance_id: string }>(me, { columns: 'i.instance_id' });
  return { ids: rows.map((row) => row.instance_id), complete };
};

it('shows the instances of a process for as long as its lease runs, and no longer', async () => {
  const lease = randomUUID();
  await brief.register(lease, identity, STATUS);
  await table.write(lease, { present: [ONE], gone: [] });
  expect(await brief.renew(lease, STATUS)).toBe(true);
  await eventually(async () => expect([await others(), await replicas.living()]).toEqual([{ ids: [], complete: true }, []]));
  expect(await brief.renew(lease, STATUS)).toBe(false);
  expect(await table.write(lease, { present: [ONE], gone: [] })).toBe(false);
});

it('lets a late batch of an earlier registration change nothing', async () => {
  const [earlier, now] = [randomUUID(), randomUUID()];
  await replicas.register(earlier, identity, STATUS);
  await table.write(earlier, { present: [ONE], gone: [] });
  await replicas.register(now, identity, STATUS);
  expect(await others()).toEqual({ ids: [], complete: false });
  expect(await table.write(earlier, { present: [ONE], gone: [] })).toBe(false);
  await table.complete(now);
  expect(await others()).toEqual({ ids: [], complete: true });
  await table.write(now, { present: [ONE], gone: [] });
  await replicas.register(now, identity, STATUS);
  expect((await others()).ids).toEqual(['one']);
  await table.write(now, { present: [], gone: ['c'] });
  expect((await others()).ids).toEqual([]);
});

it('is not complete for a lease after a crash has emptied it', async () => {
  await database.dataSource.query('TRUNCATE replica, replica_book, instance');
  expect((await others(brief)).complete).toBe(false);
  await brief.register(randomUUID(), { ...identity, id: me }, STATUS);
  expect((await others()).complete).toBe(false);
  await eventually(async () => expect((await others(brief)).complete).toBe(true));
});
