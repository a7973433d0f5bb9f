import { setTimeout as sleep } from 'node:timers/promises';
import { Api, layerPath } from './support/api';
import { administratorToken } from './support/server';
import { createTestDatabase, type TestDatabase } from './support/database';
import { edgeReaches } from './support/edge';
import { eventually } from './support/eventually';
import { checkHistory, type Published } from './support/feed-checker';
import { describeWithNats, startNats, type NatsServer } from './support/nats';
import { observeByPolling, observeEvents, observeWithClient, type Observer } from './support/observers';
import { startProxy, type Proxy } from './support/proxy';
import { startServerProcess, type ServerProcess } from './support/server-process';

/**
 * The promises of docs/guarantees.md for the clients of edges: two replicas, a NATS, two edges as processes, clients of
 * every transport on the edges, publishers that never rest, and faults in everything that stands between. What each
 * client saw is then held against the log.
 */
describeWithNats('given clients of every transport on edges', () => {
  let nats: NatsServer;
  let database: TestDatabase;
  let replicas: ServerProcess[];
  let edges: { process: ServerProcess; readonly clients: Proxy; readonly upstream: Proxy }[];
  let observers: Observer[] = [];
  let token: string;
  let key: string;
  const acknowledged: number[] = [];

  const often = { TRIMTAB_FEED_HEARTBEAT_MS: '500', TRIMTAB_FEED_BOOKMARK_INTERVAL_MS: '200', TRIMTAB_FEED_MOVE_WITHIN_MS: '0' };
  const replicaEnvironment = (): Record<string, string> => ({ ...often, DATABASE_URL: database.url, TRIMTAB_NATS_URL: nats.url, TRIMTAB_COPY_FOLDER: 'none' });
  const edgeEnvironment = (upstream: Proxy): Record<string, string> => ({ ...often, TRIMTAB_ROLE: 'edge', TRIMTAB_NATS_URL: upstream.through(nats.url), TRIMTAB_COPY_FOLDER: 'none' });

  beforeAll(async () => {
    nats = await startNats();
    database = await createTestDatabase();
    token = await administratorToken(database);
    // The first one distributes.
    replicas = [await startServerProcess(replicaEnvironment())];
    const api = new Api(replicas[0]!.url, token);
    await eventually(async () => expect((await api.get('/metrics')).text).toMatch(/^trimtab_distribution_active 1$/m));
    replicas.push(await startServerProcess(replicaEnvironment()));
    await api.given({ production: 'base' }, ['common', 'orders']);
    await api.putYaml('common@base', 'common: 0\n');
    await api.include('orders@base', 'common');
    await api.putYaml('orders@production', 'own: 0\n');
    key = (await api.must('POST', '/api/v1/client-keys', { name: 'observer', service: '*', environment: 'base' })).json.secret as string;
    edges = await Promise.all(
      [1, 2].map(async () => {
        const upstream = await startProxy(nats.url);
        const process = await startServerProcess(edgeEnvironment(upstream));
        return { process, upstream, clients: await startProxy(process.url) };
      }),
    );
  }, 120_000);

  afterAll(async () => {
    await Promise.all(observers.map((observer) => observer.stop()));
    for (const { process, clients, upstream } of edges) {
      await clients.close();
      await process.kill('SIGKILL');
      await upstream.close();
    }
    await Promise.all(replicas.map((replica) => replica.kill('SIGKILL')));
    await nats.close();
    await database.close();
  }, 60_000);

  /** Publishes `n` to two layers as one revision, trying again until it is told what became of it. */
  async function publish(n: number, replica: number): Promise<void> {
    await eventually(
      async () => {
        const api = new Api(replicas[replica]!.url, token);
        const { json: change } = await api.must('POST', '/api/v1/changes', { title: `n = ${n}` });
        for (const [layer, name] of [['common@base', 'common'], ['orders@production', 'own']] as const) {
          const place = `/api/v1/changes/${change.id}${layerPath(layer).replace('/api/v1', '')}/documents/application`;
          await api.must('PUT', place, `${name}: ${n}\n`, { 'content-type': 'application/yaml' });
        }
        const { json } = await api.must('POST', `/api/v1/changes/${change.id}/publish`, undefined, { 'idempotency-key': `publish-${n}-${change.id}` });
        acknowledged.push(json.revision as number);
      },
      { timeoutMs: 30_000 },
    );
  }

  /** Each leaves at least the named replica to publish through. */
  const faults: readonly { readonly name: string; readonly through: number; make(): Promise<void> | void }[] = [
    { name: 'NATS is killed and started again', through: 0, make: () => nats.restart() },
    {
      name: 'the distributor is paused for longer than it is waited for, and goes on',
      through: 1,
      make: async () => {
        process.kill(replicas[0]!.pid, 'SIGSTOP');
        await eventually(async () => expect((await new Api(replicas[1]!.url, token).get('/metrics')).text).toMatch(/^trimtab_distribution_active 1$/m), { timeoutMs: 20_000 });
        await publish(1_000, 1);
        process.kill(replicas[0]!.pid, 'SIGCONT');
      },
    },
    {
      name: 'an edge is killed and started again',
      through: 0,
      make: async () => {
        const { port } = new URL(edges[0]!.process.url);
        await edges[0]!.process.kill('SIGKILL');
        edges[0]!.process = await startServerProcess({ ...edgeEnvironment(edges[0]!.upstream), PORT: port });
      },
    },
    { name: 'the connections of edges go silent, to NATS and to clients', through: 1, make: () => edges.forEach(({ upstream, clients }) => [upstream, clients].forEach((proxy) => proxy.halfOpen())) },
    {
      name: 'the distributor is killed',
      through: 0,
      make: async () => {
        await replicas[1]!.kill('SIGKILL');
        replicas[1] = await startServerProcess(replicaEnvironment());
      },
    },
    // The length of the pause is the fault; what is waited for comes after all of them.
    { name: 'NATS is paused', through: 1, make: async () => (nats.signal('SIGSTOP'), await sleep(1_000), nats.signal('SIGCONT')) },
  ];

  it('keeps every promise while NATS, the distributor and edges are killed and paused, and publishers go on', async () => {
    const [one, two] = edges.map(({ clients, process }) => clients.through(process.url)) as [string, string];
    const target = { key, service: 'orders', environment: 'production' };
    observers = [
      await observeWithClient('client-1', { ...target, url: one }),
      await observeWithClient('client-2', { ...target, url: two }),
      observeEvents('events-1', { ...target, url: one }),
      observeEvents('events-2', { ...target, url: two }),
      observeByPolling('polls-1', { ...target, url: one }),
      observeByPolling('polls-2', { ...target, url: two }),
    ];
    let n = 0;
    for (const { through, make } of faults) {
      for (let count = 0; count < 3; count += 1) await publish((n += 1), through);
      const publishing = (async () => {
        for (let count = 0; count < 3; count += 1) await publish((n += 1), through);
      })();
      await make();
      await publishing;
    }
    for (let count = 0; count < 3; count += 1) await publish((n += 1), n % 2);

    const log = await publishedLog();
    const last = log.at(-1)!;
    expect(last.revision).toBeGreaterThanOrEqual(Math.max(...acknowledged));
    const ends = (): Record<string, string | undefined> => Object.fromEntries(observers.map(({ name, events }) => [name, events.findLast((event) => event.type === 'applied')?.etag]));
    await eventually(() => expect(ends()).toEqual(Object.fromEntries(observers.map(({ name }) => [name, last.etag]))), { timeoutMs: 30_000 });

    for (const { values } of observers) {
      for (const { value } of values) expect((value as { common: number }).common).toBe((value as { own: number }).own);
    }
    expect(checkHistory(observers.flatMap(({ events }) => events), log)).toEqual([]);
    // The check would mean nothing had the clients seen next to nothing.
    for (const { events } of observers) expect(events.filter(({ type }) => type === 'applied').length).toBeGreaterThan(faults.length);
  }, 120_000);

  it('lets all edges end equal to the replicas', async () => {
    const { revision } = (await publishedLog()).at(-1)!;
    for (const { process } of edges) await edgeReaches(process.url, revision);
    const answers = await Promise.all(
      [...replicas.map(({ url }) => url), ...edges.map(({ process }) => process.url)].flatMap((url) =>
        ['production/orders', 'base/orders', 'base/common'].map(async (path) => [path, (await new Api(url, key).must('GET', `/v1/config/${path}`)).text] as const),
      ),
    );
    for (const [path, text] of answers) expect(text).toBe(answers.find(([other]) => other === path)![1]);
  }, 30_000);

  /** Every revision that the target has had, with its ETag, from the log itself. */
  async function publishedLog(): Promise<Published[]> {
    const api = new Api(replicas[0]!.url, token);
    const { json } = await api.must('GET', '/api/v1/revisions?limit=200');
    const log: Published[] = [];
    for (const { revision } of (json.items as { revision: number }[]).reverse()) {
      const { json: snapshot } = await api.must('GET', `/v1/config/production/orders?asOf=${revision}`);
      log.push({ revision, etag: snapshot.etag as string });
    }
    return log;
  }
});
