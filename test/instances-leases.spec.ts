import { Api } from './support/api';
import { createTestDatabase, type TestDatabase } from './support/database';
import { eventually } from './support/eventually';
import { openInstance, type InstanceClient } from './support/instance-client';
import { startServer, type TestServer } from './support/server';
import { startServerProcess, type ServerProcess } from './support/server-process';

/** Whole processes are started. */
jest.setTimeout(60_000);

const LEASE_MS = 1_500;
/** A process whose clock is ten minutes slow from its first line on. */
const SLOW_CLOCK = `--import=data:text/javascript,${encodeURIComponent(
  'const Real = Date; globalThis.Date = class Date extends Real { constructor(...given) { if (given.length) super(...given); else super(Real.now() - 600000); } static now() { return Real.now() - 600000; } };',
)}`;

let database: TestDatabase;
let here: TestServer;
let api: Api;
const processes: ServerProcess[] = [];
const clients: InstanceClient[] = [];

beforeAll(async () => {
  database = await createTestDatabase();
  here = await startServer({ replica: { leaseMs: LEASE_MS } }, database);
  api = new Api(here.url, here.token);
  await api.given({}, ['orders']);
  await api.putYaml('orders@base', 'a: 1\n');
});

afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  for (const process of processes.splice(0)) await process.kill('SIGKILL');
  await database.dataSource.query('DELETE FROM replica WHERE pid <> $1', [process.pid]);
});

afterAll(async () => {
  await here.close();
  await database.close();
});

async function startOther(env: Record<string, string> = {}): Promise<ServerProcess> {
  const other = await startServerProcess({ DATABASE_URL: database.url, TRIMTAB_REPLICA_LEASE_MS: String(LEASE_MS), ...env });
  processes.push(other);
  await eventually(async () => expect(await replicas()).toHaveLength(2));
  return other;
}

async function connected({ url }: { url: string }, id: string): Promise<InstanceClient> {
  const client = await openInstance({ url, token: here.token }, { target: 'orders@base', info: { id } });
  clients.push(client);
  client.apply();
  await eventually(async () => expect(await instances()).toMatchObject([{ id, state: 'applied' }]));
  return client;
}

const replicas = async () => (await api.must('GET', '/api/v1/replicas')).json.items as { id: string; pid: number }[];
const instances = async () => (await api.must('GET', '/api/v1/instances')).json.items as { id: string; state: string }[];
const leases = () => database.dataSource.query<{ lease: string; pid: number }[]>('SELECT lease, pid FROM replica');

it('counts the instances of a killed process until its lease ends, and nobody waits for them any longer', async () => {
  const other = await startOther();
  await connected(other, 'lost');
  const { revision } = (await api.putYaml('orders@base', 'a: 2\n')).json;
  expect((await api.must('GET', `/api/v1/revisions/${revision}/convergence`)).json).toMatchObject({ state: 'pending', total: 1 });
  const [held] = await database.dataSource.query<{ until: Date }[]>('SELECT lease_until AS until FROM replica WHERE pid = $1', [other.pid]);
  await other.kill('SIGKILL');
  const { json } = await api.must('GET', `/api/v1/revisions/${revision}/convergence?wait=20s`);
  expect(json).toMatchObject({ state: 'converged', total: 0 });
  const [{ now }] = await database.dataSource.query<[{ now: Date }]>('SELECT clock_timestamp() AS now');
  expect(now.getTime()).toBeGreaterThan(held!.until.getTime());
  expect(await instances()).toEqual([]);
  expect(await replicas()).toHaveLength(1);
  await eventually(async () => expect(await leases()).toHaveLength(1));
  expect(await database.dataSource.query('SELECT FROM instance')).toEqual([]);
});

it('registers a process that was stopped for longer than its lease again when it wakes, with all it has', async () => {
  const other = await startOther();
  const client = await connected(other, 'patient');
  const [before] = (await leases()).filter(({ pid }) => pid === other.pid);
  process.kill(other.pid, 'SIGSTOP');
  await eventually(async () => expect([await instances(), (await replicas()).length]).toEqual([[], 1]));
  process.kill(other.pid, 'SIGCONT');
  await eventually(async () => expect(await instances()).toMatchObject([{ id: 'patient', state: 'applied' }]));
  const [after] = (await leases()).filter(({ pid }) => pid === other.pid);
  expect(after!.lease).not.toBe(before!.lease);
  client.refuse('after all');
  await eventually(async () => expect(await instances()).toMatchObject([{ id: 'patient', state: 'refused' }]));
});

it('judges no lease by the clock of a process', async () => {
  const other = await startOther({ NODE_OPTIONS: SLOW_CLOCK });
  await connected(other, 'slow');
  const first = (await leases()).find(({ pid }) => pid === other.pid)!.lease;
  const renewals = new Set<string>();
  await eventually(async () => {
    for (const { renewed_at } of await database.dataSource.query<{ renewed_at: Date }[]>('SELECT renewed_at FROM replica WHERE lease = $1', [first])) renewals.add(renewed_at.toISOString());
    expect(renewals.size).toBeGreaterThan(4);
  });
  expect(await instances()).toMatchObject([{ id: 'slow' }]);
  const seenThere = (await new Api(other.url, here.token).must('GET', '/api/v1/replicas')).json;
  expect(seenThere).toMatchObject({ complete: true, items: [{}, {}] });
  const there = (seenThere.items as { pid: number; startedAt: string }[]).find(({ pid }) => pid === other.pid)!;
  // Its clock really is slow.
  expect(Date.now() - Date.parse(there.startedAt)).toBeGreaterThan(500_000);
});

it('ends the lease with an orderly end of the process', async () => {
  const other = await startOther();
  await connected(other, 'moved');
  await other.kill('SIGTERM');
  expect(await leases()).toHaveLength(1);
  expect(await instances()).toEqual([]);
});
