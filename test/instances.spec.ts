import { Api } from './support/api';
import { createTestDatabase, type TestDatabase } from './support/database';
import { eventually } from './support/eventually';
import { openInstance, type InstanceClient } from './support/instance-client';
import { startProxy, type Proxy } from './support/proxy';
import { startServer, type TestServer } from './support/server';

const ids = ({ items }: { items: { id: string }[] }): string[] => items.map(({ id }) => id);

const clients: InstanceClient[] = [];

afterEach(() => {
  for (const client of clients.splice(0)) client.close();
});

async function connected(server: TestServer, target: string, id: string, labels: Record<string, string> = {}): Promise<InstanceClient> {
  const client = await openInstance(server, { target, info: { id, host: `host-of-${id}`, library: 'spec 1', labels } });
  clients.push(client);
  return client;
}

describe('given two replicas on one database', () => {
  let database: TestDatabase;
  let one: TestServer;
  let other: TestServer;
  let api: Api;

  beforeAll(async () => {
    database = await createTestDatabase();
    one = await startServer({}, database);
    other = await startServer({}, database);
    api = new Api(one.url, one.token);
    await api.given({ production: 'base', 'production-eu': 'production', staging: 'base' }, ['orders', 'billing']);
    await api.putYaml('orders@base', 'a: 1\n');
    await api.putYaml('billing@base', 'b: 1\n');
  });

  afterAll(async () => {
    await one.close();
    await other.close();
    await database.close();
  });

  const list = async (query = '', of: TestServer = one) => (await new Api(of.url, one.token).must('GET', `/api/v1/instances${query}`)).json;
  /** Waits until everybody has been written down, and those of the spec before are gone. */
  const settled = (count: number) => eventually(async () => {
    for (const server of [one, other]) expect((await list('', server)).items).toHaveLength(count);
  });

  it('lists both, each with how far it has come', async () => {
    const { items } = await eventually(async () => {
      const { json } = await api.must('GET', '/api/v1/replicas');
      expect(json).toMatchObject({ complete: true, items: [{ lag: 0, listener: 'up' }, { lag: 0, listener: 'up' }] });
      return json;
    });
    expect(new Set(ids({ items })).size).toBe(2);
    expect(items[0]).toMatchObject({ kind: 'replica', pid: process.pid, connections: 0 });
  });

  it('shows the same instances on either, with everything they have told of themselves', async () => {
    const client = await connected(other, 'orders@production', 'orders-1', { zone: 'a' });
    client.apply();
    const shown = await eventually(async () => {
      const { items, complete } = await list();
      expect(complete).toBe(true);
      expect(items).toMatchObject([{ id: 'orders-1', state: 'applied' }]);
      return items[0];
    });
    expect(shown).toMatchObject({ service: 'orders', environment: 'production', host: 'host-of-orders-1', library: 'spec 1', labels: { zone: 'a' }, transport: 'socket.io', revision: 1, appliedRevision: 1 });
    const [seenThere] = (await list('', other)).items;
    expect(shown).toEqual(seenThere);
    client.close();
    await settled(0);
  });

  it('shows a refusal with its reason, and what is still run', async () => {
    const client = await connected(other, 'orders@production', 'orders-2');
    client.apply();
    client.report({ state: 'refused', revision: 9, etag: 'nine', reason: 'a must be \uD800 even' });
    const shown = await eventually(async () => {
      const { items } = await list('?state=refused');
      expect(items).toHaveLength(1);
      return items[0];
    });
    expect(shown).toMatchObject({ id: 'orders-2', revision: 9, appliedRevision: 1, reason: 'a must be \ufffd even' });
    expect(ids(await list('?revision=1'))).toEqual(['orders-2']);
    expect(ids(await list('?revision=9'))).toEqual([]);
  });

  it('shows who polls as one instance over all its requests, by the headers it sends', async () => {
    const { json } = await api.must('GET', '/v1/config/production/orders');
    const controller = new AbortController();
    const poll = (server: TestServer, etag: string, wait: string) =>
      fetch(`${server.url}/v1/config/production/orders?wait=${wait}`, {
        headers: { authorization: `Bearer ${one.token}`, 'if-none-match': etag, 'user-agent': 'curl/8', 'x-trimtab-instance': 'poller', 'x-trimtab-host': 'h', 'x-trimtab-labels': 'zone=a, canary=' },
        signal: controller.signal,
      }).then(({ status }) => status, () => 0);
    expect(await poll(other, '"older"', '1s')).toBe(200);
    expect(await poll(other, json.etag, '10ms')).toBe(304);
    const parked = poll(other, json.etag, '30s');
    const shown = await eventually(async () => {
      const { items } = await list();
      expect(items).toMatchObject([{ id: 'poller', etag: json.etag }]);
      return items[0];
    });
    expect(shown).toMatchObject({ transport: 'long-poll', host: 'h', library: 'curl/8', labels: { zone: 'a', canary: '' } });
    controller.abort();
    await parked;
    // Between two requests it is still there, and for no longer than that.
    expect(ids(await list())).toEqual(['poller']);
    await settled(0);
    const malformed = { authorization: `Bearer ${one.token}`, 'x-trimtab-labels': 'zone' };
    expect((await fetch(`${one.url}/v1/config/production/orders?wait=1s`, { headers: malformed })).status).toBe(400);
  });

  it('filters by service, environment, subtree, state and labels alike on both sides', async () => {
    await Promise.all([
      connected(one, 'orders@production', 'a', { zone: 'eu-1', canary: 'yes' }),
      connected(other, 'orders@production-eu', 'b', { zone: 'eu-1', canary: 'no' }),
      connected(one, 'orders@staging', 'c', { zone: 'us:1' }),
      connected(other, 'billing@production', 'd', { ['__proto__']: 'x', zone: 'us:1' }),
      connected(one, 'billing@production-eu', 'e'),
    ]);
    await settled(5);
    for (const server of [one, other]) {
      const found = async (query: string): Promise<string[]> => ids(await list(query, server)).sort();
      expect(await found('?service=orders')).toEqual(['a', 'b', 'c']);
      expect(await found('?environment=production')).toEqual(['a', 'd']);
      expect(await found('?below=production')).toEqual(['a', 'b', 'd', 'e']);
      expect(await found('?below=production&environment=staging')).toEqual([]);
      expect(await found('?service=billing&below=production')).toEqual(['d', 'e']);
      expect(await found('?label=zone:eu-1')).toEqual(['a', 'b']);
      expect(await found('?label=zone:eu-1&label=canary:no')).toEqual(['b']);
      expect(await found('?label=zone:us:1')).toEqual(['c', 'd']);
      expect(await found('?label=__proto__:x')).toEqual(['d']);
      expect(await found('?label=constructor:x')).toEqual([]);
      expect(await found('?state=connected')).toEqual(['a', 'b', 'c', 'd', 'e']);
      expect(await found('?state=applied')).toEqual([]);
    }
    for (const query of ['?label=zone', '?label=:x', '?state=gone', '?behind=0', '?cursor=x', '?nothing=1']) {
      expect((await api.get(`/api/v1/instances${query}`)).json.code).toBe('malformed_request');
    }
    expect((await api.get('/api/v1/instances?below=nowhere')).json.code).toBe('environment_not_found');
    expect((await api.get('/api/v1/instances?behind=999')).json.code).toBe('revision_not_found');
  });

  it('pages through all, in one order over both, while others come and go', async () => {
    const names = ['~', 'A', 'Z', 'a', 'ab', 'é', '\uFF5E', '😀', 'x-1', 'x-10', 'x-2'];
    for (const [index, name] of names.entries()) await connected(index % 2 === 0 ? one : other, 'orders@production', name);
    const passing = await connected(other, 'orders@production', 'B');
    await settled(names.length + 1);
    const seen: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await list(`?limit=3${cursor === undefined ? '' : `&cursor=${cursor}`}`, seen.length % 2 === 0 ? one : other);
      seen.push(...ids(page));
      cursor = page.nextCursor;
      if (seen.length === 3) {
        passing.close();
        await connected(one, 'orders@production', 'x-3');
        await eventually(async () => expect(ids(await list('?limit=200', other))).toContain('x-3'));
      }
    } while (cursor !== undefined);
    const byCodePoint = [...names, 'B', 'x-3'].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    expect(seen).toEqual(byCodePoint);
  });

  it('counts the instances of every replica in the impact of a change', async () => {
    await connected(one, 'orders@staging', 'f');
    await connected(other, 'orders@staging', 'g');
    await settled(2);
    const impact = await eventually(async () => {
      const { json } = await api.patch('orders@staging', { counted: Math.random() }, 'application');
      expect(json.impact[0].instances).toBe(2);
      return json.impact;
    });
    expect(impact).toMatchObject([{ service: 'orders', environment: 'staging' }]);
  });
});

describe('given a database that goes away', () => {
  let database: TestDatabase;
  let proxy: Proxy;
  let cut: TestServer;
  let other: TestServer;

  beforeAll(async () => {
    database = await createTestDatabase();
    proxy = await startProxy(Number(new URL(database.url).port));
    cut = await startServer({ databaseUrl: proxy.through(database.url), database: { connectTimeoutMs: 500 }, replica: { leaseMs: 1_500 } }, database);
    other = await startServer({ replica: { leaseMs: 1_500 } }, database);
    await new Api(other.url, other.token).given({}, ['orders']);
  });

  afterAll(async () => {
    await cut.close();
    await other.close();
    await proxy.close();
    await database.close();
  });

  const list = async (of: TestServer) => (await new Api(of.url, cut.token).must('GET', '/api/v1/instances')).json;

  it('lists the own instances and says that there may be more, and everybody again when it is back', async () => {
    const { revision } = (await new Api(other.url, other.token).putYaml('orders@base', 'a: 1\n')).json;
    const near = await connected(cut, 'orders@base', 'near');
    await connected(other, 'orders@base', 'far');
    await eventually(() => expect(near.messages).toContainEqual(expect.objectContaining({ revision })));
    near.apply();
    await eventually(async () => expect((await new Api(cut.url, cut.token).must('GET', `/api/v1/revisions/${revision}/convergence`)).json).toMatchObject({ complete: true, total: 2, taken: 1 }));
    await eventually(async () => expect([ids(await list(cut)), ids(await list(other))]).toEqual([['far', 'near'], ['far', 'near']]));
    proxy.refuse();
    const alone = await eventually(async () => {
      const answer = await list(cut);
      expect(answer.complete).toBe(false);
      return answer;
    });
    expect(ids(alone)).toEqual(['near']);
    // Nobody can say that there are no others who have not taken it.
    const { json: asked } = await new Api(cut.url, cut.token).get(`/api/v1/revisions/${revision}/convergence?wait=100ms`);
    expect(asked).toMatchObject({ state: 'pending', complete: false, total: 1, taken: 1 });
    expect((await new Api(cut.url, cut.token).must('GET', '/api/v1/replicas')).json).toMatchObject({ complete: false, items: [{ lag: null }] });
    // Its lease has ended by the clock of the database; for the others its instances are not there.
    await eventually(async () => expect(ids(await list(other))).toEqual(['far']));
    const late = await connected(cut, 'orders@base', 'late');
    near.close();
    late.report({ state: 'refused', revision: 1, etag: 'x', reason: 'told to nobody yet' });
    proxy.accept();
    await eventually(async () => {
      expect(await list(other)).toMatchObject({ complete: true, items: [{ id: 'far' }, { id: 'late', state: 'refused' }] });
      expect(await list(cut)).toMatchObject({ complete: true, items: [{ id: 'far' }, { id: 'late' }] });
    });
  });

  it('writes everything again after a crash of Postgres has emptied the tables', async () => {
    await connected(cut, 'orders@base', 'near');
    await connected(other, 'orders@base', 'far');
    await eventually(async () => expect([ids(await list(cut)), ids(await list(other))]).toEqual([['far', 'near'], ['far', 'near']]));
    await database.dataSource.query('TRUNCATE replica, replica_book, instance');
    expect((await list(cut)).complete).toBe(false);
    // One is back before the other has noticed: what it sees then is not all there is.
    await eventually(async () => expect(await database.dataSource.query('SELECT FROM replica')).not.toEqual([]));
    for (const server of [cut, other]) expect((await list(server)).complete).toBe(false);
    await eventually(async () => {
      for (const server of [cut, other]) expect(await list(server)).toMatchObject({ complete: true, items: [{ id: 'far' }, { id: 'near' }] });
    });
  });
});
