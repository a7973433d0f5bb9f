import { Api, layerPath, type Answer } from './support/api';
import { openStream } from './support/connections';
import { createTestDatabase, type TestDatabase } from './support/database';
import { eventually } from './support/eventually';
import { openInstance, type InstanceClient } from './support/instance-client';
import { startServer, type TestServer } from './support/server';

let database: TestDatabase;
let one: TestServer;
let other: TestServer;
let api: Api;
let values = 0;
const clients: InstanceClient[] = [];

beforeAll(async () => {
  database = await createTestDatabase();
  one = await startServer({ http: { maxConcurrentRequests: 4, maxWaitingRequests: 6 } }, database);
  other = await startServer({}, database);
  api = new Api(one.url, one.token);
  await api.given({ production: 'base', 'production-eu': 'production', staging: 'base' }, ['orders', 'billing', 'common']);
  await api.putYaml('common@base', 'log: 0\n');
  await api.putYaml('orders@base', 'base: 0\n');
  await api.putYaml('billing@base', 'base: 0\n');
  await api.include('orders@base', 'common');
});

afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  await eventually(async () => {
    for (const server of [one, other]) expect((await new Api(server.url, one.token).must('GET', '/api/v1/instances')).json.items).toEqual([]);
  });
});

afterAll(async () => {
  await one.close();
  await other.close();
  await database.close();
});

/** An instance that has applied what is newest, and is known to both replicas. */
async function running(server: TestServer, target: string, id: string): Promise<InstanceClient> {
  const client = await openInstance(server, { target, info: { id } });
  clients.push(client);
  client.apply();
  await eventually(async () => {
    for (const { url } of [one, other]) {
      const { items } = (await new Api(url, one.token).must('GET', '/api/v1/instances?state=applied&limit=200')).json;
      expect((items as { id: string }[]).map((item) => item.id)).toContain(id);
    }
  });
  return client;
}

/** Each layer sets a key of its own, so that none hides what another says. */
const publish = async (layer: string, source = `${layer.split('@')[1]}: ${++values}\n`): Promise<Answer> => {
  const answer = await api.putYaml(layer, source);
  expect(answer.status).toBe(200);
  return answer;
};
const ask = (revision: number, query = '', of: TestServer = one): Promise<Answer> => new Api(of.url, one.token).must('GET', `/api/v1/revisions/${revision}/convergence${query}`);
const reached = (client: InstanceClient, revision: number) =>
  eventually(() => expect(client.messages.some((message) => 'revision' in message && message.revision >= revision)).toBe(true));

describe('given instances of one service on two replicas', () => {
  it('answers as soon as the last of them has applied the revision, wherever that is', async () => {
    const [near, far] = [await running(one, 'orders@production', 'near'), await running(other, 'orders@staging', 'far')];
    const { json: published } = await publish('orders@base');
    const { revision } = published;
    expect(published.convergence).toBe(`/api/v1/revisions/${revision}/convergence`);
    await Promise.all([reached(near, revision), reached(far, revision)]);
    near.apply();
    const halfway = await eventually(async () => {
      const { json } = await ask(revision);
      expect(json.taken).toBe(1);
      return json;
    });
    expect(halfway).toMatchObject({ state: 'pending', complete: true, total: 2, refused: [], pending: [{ id: 'far', state: 'applied' }] });
    expect(halfway.targets).toEqual([{ service: 'orders', environment: 'staging', taken: 0, refused: 0, pending: 1, silent: 0 }]);
    const waiting = [ask(revision, '?wait=20s'), ask(revision, '?wait=20s', other)];
    far.apply();
    for (const { json } of await Promise.all(waiting)) {
      expect(json).toEqual({ revision, state: 'converged', complete: true, total: 2, taken: 2, silent: 0, refused: [], pending: [], targets: [] });
    }
  });

  it('answers early, with the reasons, when everybody has answered and somebody refused', async () => {
    const [near, far] = [await running(one, 'orders@production', 'near'), await running(other, 'orders@production', 'far')];
    const { revision } = (await publish('orders@base')).json;
    await Promise.all([reached(near, revision), reached(far, revision)]);
    const waiting = ask(revision, '?wait=20s');
    near.apply();
    far.refuse('a is too large');
    const { json } = await waiting;
    expect(json).toMatchObject({ state: 'refused', total: 2, taken: 1, pending: [], refused: [{ id: 'far', state: 'refused', revision, reason: 'a is too large' }] });
    expect(json.targets).toEqual([{ service: 'orders', environment: 'production', taken: 1, refused: 1, pending: 0, silent: 0 }]);
    const behind = async (server: TestServer) => (await new Api(server.url, one.token).must('GET', `/api/v1/instances?behind=${revision}`)).json.items;
    for (const server of [one, other]) expect(await behind(server)).toMatchObject([{ id: 'far' }]);
    const next = (await publish('orders@base')).json.revision;
    await reached(far, next);
    far.apply();
    near.refuse('a is too small');
    expect((await ask(next, '?wait=20s')).json).toMatchObject({ state: 'refused', taken: 1, refused: [{ id: 'near' }] });
    // What came later says nothing about the revision before: one runs something newer, the other ran it.
    expect((await ask(revision, '?wait=20s')).json).toMatchObject({ state: 'converged', taken: 2, refused: [] });
  });

  it('names those who have not answered at the end of the wait, no more of them than asked for', async () => {
    for (const id of ['p1', 'p2', 'p3']) await running(id === 'p2' ? other : one, 'orders@production', id);
    const { revision } = (await publish('orders@production')).json;
    const { json } = await ask(revision, '?wait=300ms&limit=2');
    expect(json).toMatchObject({ state: 'pending', total: 3, taken: 0, refused: [], pending: [{ id: 'p1' }, { id: 'p2' }] });
    expect(json.targets).toEqual([{ service: 'orders', environment: 'production', taken: 0, refused: 0, pending: 3, silent: 0 }]);
    expect((await ask(revision, '?limit=0')).json).toMatchObject({ total: 3, pending: [] });
  });

  it('takes content that is as it was for taken, though nobody is sent it and nobody reports', async () => {
    const source = `base: ${++values}\n`;
    await publish('orders@base', source);
    await running(one, 'orders@production', 'near');
    await running(other, 'orders@staging', 'far');
    const { revision } = (await publish('orders@base', `# A comment.\n${source}`)).json;
    for (const server of [one, other]) {
      expect((await ask(revision, '?wait=20s', server)).json).toMatchObject({ state: 'converged', total: 2, taken: 2 });
    }
    expect((await api.must('GET', `/api/v1/instances?behind=${revision}`)).json.items).toEqual([]);
  });

  it('does not take the position of a client that holds older content for an answer', async () => {
    const before = await running(one, 'orders@production', 'before');
    const held = before.messages.findLast((message) => message.type === 'snapshot')!;
    const { revision } = (await publish('orders@base')).json;
    await reached(before, revision);
    before.close();
    clients.push(await openInstance(other, { target: 'orders@production', info: { id: 'again' }, since: { revision, etag: held.etag } }));
    await eventually(async () => expect((await ask(revision)).json).toMatchObject({ total: 1, taken: 0, pending: [{ id: 'again', state: 'connected', revision }] }));
  });

  it('takes a client that comes back with the newest content for current, before it has reported', async () => {
    const before = await running(one, 'orders@production', 'before');
    const { revision } = (await publish('orders@base')).json;
    await reached(before, revision);
    const { etag } = before.messages.findLast((message) => message.type === 'snapshot' || message.type === 'delta')!;
    before.close();
    clients.push(await openInstance(other, { target: 'orders@production', info: { id: 'again' }, since: { revision, etag } }));
    await eventually(async () => expect((await ask(revision)).json).toMatchObject({ total: 1, taken: 1, state: 'converged' }));
  });
});

describe('given instances of several services', () => {
  it('counts only those whose effective config depends on what was touched', async () => {
    const orders = await running(one, 'orders@production', 'orders');
    await running(other, 'billing@production', 'billing');
    const own = (await publish('billing@staging')).json.revision;
    expect((await ask(own, '?wait=20s')).json).toMatchObject({ state: 'converged', total: 0 });
    const library = (await publish('common@base', `log: ${++values}\n`)).json.revision;
    expect((await ask(library)).json).toMatchObject({ state: 'pending', total: 1, pending: [{ id: 'orders' }] });
    await reached(orders, library);
    orders.apply();
    expect((await ask(library, '?wait=20s', other)).json).toMatchObject({ state: 'converged', total: 1, taken: 1 });
    // Pinned, the library can move without reaching anybody.
    await api.must('PUT', `${layerPath('orders@base')}/includes`, { includes: [{ service: 'common', revision: library }] });
    const pinned = (await publish('common@base', `log: ${++values}\n`)).json.revision;
    expect((await ask(pinned, '?wait=20s')).json).toMatchObject({ state: 'converged', total: 0 });
    await api.include('orders@base', 'common');
  });

  it('does not wait for those that have no way to tell, and says how many they are', async () => {
    const stream = await openStream(one.url, one.token, { service: 'billing', environment: 'production' });
    await eventually(async () => expect((await api.must('GET', '/api/v1/instances?service=billing')).json.items).toHaveLength(1));
    const { revision } = (await publish('billing@base')).json;
    expect((await ask(revision, '?wait=20s')).json).toMatchObject({ state: 'converged', total: 1, taken: 0, silent: 1 });
    stream.close();
    await stream.ended;
  });
});

describe('given many who wait', () => {
  async function pending(): Promise<number> {
    await running(other, 'orders@production', 'never');
    return (await publish('orders@production')).json.revision as number;
  }
  const patient = (revision: number, signal: AbortSignal): Promise<number> =>
    fetch(`${one.url}/api/v1/revisions/${revision}/convergence?wait=60s`, { headers: { authorization: `Bearer ${one.token}` }, signal }).then(
      async (response) => (await response.text(), response.status),
      () => 0,
    );

  it('keeps nobody else out, bounds them, and lets go of those that hang up', async () => {
    const revision = await pending();
    const hangUp = new AbortController();
    const waiters = Array.from({ length: 6 }, () => patient(revision, hangUp.signal));
    const beyond = await eventually(async () => {
      const answer = await api.get(`/api/v1/revisions/${revision}/convergence?wait=1ms`);
      expect(answer.status).toBe(429);
      return answer;
    });
    expect(beyond.json.code).toBe('too_many_requests');
    // Six wait where only four may work at once: who only asks, and everything else, is served.
    expect((await ask(revision)).json.state).toBe('pending');
    expect((await api.get('/api/v1/services')).status).toBe(200);
    hangUp.abort();
    expect(await Promise.all(waiters)).toEqual([0, 0, 0, 0, 0, 0]);
    await eventually(async () => expect((await api.get(`/api/v1/revisions/${revision}/convergence?wait=1ms`)).status).toBe(200));
  });

  it('answers them with what it knows when the process ends', async () => {
    const leaving = await startServer({}, database);
    const revision = await pending();
    const waiting = ask(revision, '?wait=60s', leaving);
    const isWaiting = eventually(async () => expect((await api.must('GET', '/api/v1/replicas')).json.items).toHaveLength(3));
    await isWaiting;
    const start = performance.now();
    const closing = leaving.close();
    expect((await waiting).json).toMatchObject({ state: 'pending', pending: [{ id: 'never' }] });
    await closing;
    expect(performance.now() - start).toBeLessThan(8_000);
    // An orderly end is no silence: nobody waits for the lease.
    expect((await api.must('GET', '/api/v1/replicas')).json.items).toHaveLength(2);
  });
});

it('refuses what cannot be asked', async () => {
  for (const query of ['?wait=soon', '?wait=', '?limit=201', '?wait=1s&wait=2s', '?nothing=1']) {
    expect((await api.get(`/api/v1/revisions/1/convergence${query}`)).json.code).toBe('malformed_request');
  }
  expect((await api.get('/api/v1/revisions/999/convergence?wait=1s')).json.code).toBe('revision_not_found');
});
