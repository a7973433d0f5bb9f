import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Client } from 'pg';
import { EmbeddedPostgres } from '../src/database/embedded-postgres';
import { findPostmaster } from '../src/database/postmaster';
import { Api, layerPath } from './support/api';
import { eventually } from './support/eventually';
import { checkHistory, type Published } from './support/feed-checker';
import { observeByPolling, observeEvents, observeWithClient, type Observer } from './support/observers';
import { startProxy, type Proxy } from './support/proxy';
import { startServerProcess, type ServerProcess } from './support/server-process';

/**
 * The promises of docs/guarantees.md with everything real: two server processes, a Postgres of their own, clients of
 * every transport behind proxies, publishers that never rest, and faults in between. What each client saw is then held
 * against the log.
 */
let folder: string;
let postgres: EmbeddedPostgres;
let replicas: { process: ServerProcess; proxy: Proxy }[];
let token: string;
let observers: Observer[] = [];
const acknowledged: { revision: number; n: number }[] = [];

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'trimtab-promises-'));
  postgres = await EmbeddedPostgres.start({ folder });
  const first = await startServerProcess(environment());
  const second = await startServerProcess(environment());
  token = first.token!;
  replicas = await Promise.all([first, second].map(async (process) => ({ process, proxy: await startProxy(process.url) })));
  const api = new Api(first.url, token);
  await api.given({ production: 'base' }, ['common', 'orders']);
  await api.putYaml('common@base', 'common: 0\n');
  await api.include('orders@base', 'common');
  await api.putYaml('orders@production', 'own: 0\n');
}, 120_000);

afterAll(async () => {
  await Promise.all(observers.map((observer) => observer.stop()));
  for (const { process, proxy } of replicas) {
    await proxy.close();
    await process.kill('SIGKILL');
  }
  await postgres.stop();
  rmSync(folder, { recursive: true, force: true });
}, 60_000);

/** Heartbeats and bookmarks come often, so that what depends on them happens within the test. */
function environment(): Record<string, string> {
  return { DATABASE_URL: postgres.url, TRIMTAB_FEED_HEARTBEAT_MS: '500', TRIMTAB_FEED_BOOKMARK_INTERVAL_MS: '200' };
}

/** Publishes `n` to two layers as one revision, through one replica, trying again until it is told what became of it. */
async function publish(n: number, replica: number): Promise<void> {
  await eventually(
    async () => {
      const api = new Api(replicas[replica]!.process.url, token);
      const { json: change } = await api.must('POST', '/api/v1/changes', { title: `n = ${n}` });
      for (const [layer, key] of [['common@base', 'common'], ['orders@production', 'own']] as const) {
        const place = `/api/v1/changes/${change.id}${layerPath(layer).replace('/api/v1', '')}/documents/application`;
        await api.must('PUT', place, `${key}: ${n}\n`, { 'content-type': 'application/yaml' });
      }
      await eventually(
        async () => {
          const answer = await api.request('POST', `/api/v1/changes/${change.id}/publish`, undefined, { 'idempotency-key': `publish-${n}-${change.id}` });
          if (answer.status >= 500 || answer.json?.code === 'idempotency_in_progress') throw new Error(answer.text);
          if (answer.status === 200) acknowledged.push({ revision: answer.json.revision as number, n });
        },
        { timeoutMs: 5_000 },
      );
      expect(acknowledged.at(-1)?.n).toBe(n);
    },
    { timeoutMs: 60_000 },
  );
}

async function restart(index: number): Promise<void> {
  const replica = replicas[index]!;
  const { port } = new URL(replica.process.url);
  await replica.process.kill('SIGKILL');
  replica.process = await startServerProcess({ ...environment(), PORT: port });
}

async function asDatabaseOwner(statement: string): Promise<void> {
  const client = new Client({ connectionString: postgres.url });
  await client.connect();
  await client.query(statement);
  await client.end();
}

const everyOtherBackend = 'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()';

const faults: Record<string, () => Promise<void> | void> = {
  'connections are cut': () => replicas.forEach(({ proxy }) => proxy.cut()),
  'the listener and every other backend is terminated': () => asDatabaseOwner(everyOtherBackend),
  'a server is killed and started again': () => restart(0),
  'connections go silent without being closed': () => replicas[1]!.proxy.halfOpen(),
  'Postgres is killed and started again': async () => {
    const postmaster = findPostmaster(path.join(folder, 'postgres', 'data'));
    if (postmaster.kind !== 'running') throw new Error('there is no postmaster to kill');
    process.kill(postmaster.pid, 'SIGQUIT');
    await eventually(() => expect(findPostmaster(path.join(folder, 'postgres', 'data')).kind).not.toBe('running'));
    postgres = await EmbeddedPostgres.start({ folder });
  },
  'the other server is killed and started again': () => restart(1),
};

it('keeps every promise while clients are cut, servers and Postgres killed, and publishers go on', async () => {
  const [one, two] = replicas.map(({ proxy, process }) => proxy.through(process.url)) as [string, string];
  const target = { key: token, service: 'orders', environment: 'production' };
  observers = [
    await observeWithClient('client-1', { ...target, url: one }),
    await observeWithClient('client-2', { ...target, url: two }),
    await observeWithClient('client-3', { ...target, url: one }),
    observeEvents('events-1', { ...target, url: one }),
    observeEvents('events-2', { ...target, url: two }),
    observeByPolling('polls-1', { ...target, url: one }),
    observeByPolling('polls-2', { ...target, url: two }),
  ];

  let n = 0;
  for (const fault of Object.values(faults)) {
    for (let count = 0; count < 3; count += 1) await publish((n += 1), n % 2);
    // Publishing goes on while the fault happens, through the replica that is not the one to be killed.
    const publishing = (async () => {
      for (let count = 0; count < 3; count += 1) await publish((n += 1), fault === faults['the other server is killed and started again'] ? 0 : 1);
    })();
    await fault();
    await publishing;
  }
  for (let count = 0; count < 3; count += 1) await publish((n += 1), n % 2);

  const log = await publishedLog();
  const last = log.at(-1)!;
  const ends = (): Record<string, string | undefined> => Object.fromEntries(observers.map(({ name, events }) => [name, lastEtag(events)]));
  const expected = Object.fromEntries(observers.map(({ name }) => [name, last.etag]));
  await eventually(() => expect(ends()).toEqual(expected), { timeoutMs: 30_000 });

  // Durable: what was answered with success is in the log, and holds what was published.
  const api = new Api(replicas[0]!.process.url, token);
  for (const { revision, n: value } of acknowledged) {
    expect(await api.values('orders@production', `?asOf=${revision}`)).toEqual({ application: { common: value, own: value } });
  }
  // Atomic: both layers of a revision, or neither.
  for (const { values } of observers) {
    for (const { value } of values) expect((value as { common: number }).common).toBe((value as { own: number }).own);
  }
  // Ordered, unique, reliable, resumable, bookmarkable.
  expect(checkHistory(observers.flatMap(({ events }) => events), log)).toEqual([]);
  // The check would mean nothing had the clients seen next to nothing.
  for (const { events } of observers) expect(events.filter(({ type }) => type === 'applied').length).toBeGreaterThan(Object.keys(faults).length);
}, 240_000);

it('lets both replicas end with the same, and the log without a hole', async () => {
  const [first, second] = await Promise.all(
    replicas.map(({ process }) => new Api(process.url, token).must('GET', '/v1/config/production/orders')),
  );
  expect(first!.json).toEqual(second!.json);
  const revisions = (await publishedLog()).map(({ revision }) => revision);
  expect(revisions).toEqual(revisions.map((_, index) => revisions[0]! + index));
});

/** Every revision that the target has had, with its ETag, from the log itself. */
async function publishedLog(): Promise<Published[]> {
  const api = new Api(replicas[0]!.process.url, token);
  const log: Published[] = [];
  let cursor = '';
  do {
    const { json } = await api.must('GET', `/api/v1/revisions?limit=200${cursor}`);
    for (const { revision } of json.items as { revision: number }[]) {
      const { json: snapshot } = await api.must('GET', `/v1/config/production/orders?asOf=${revision}`);
      log.push({ revision, etag: snapshot.etag as string });
    }
    cursor = json.nextCursor === undefined ? '' : `&cursor=${json.nextCursor}`;
  } while (cursor !== '');
  return log.reverse();
}

function lastEtag(events: Observer['events']): string | undefined {
  return events.findLast((event) => event.type === 'applied')?.etag;
}
