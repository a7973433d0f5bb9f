import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { BucketContents } from '../src/distribution/bucket-contents';
import { BucketWriter } from '../src/distribution/bucket-writer';
import { Bucket, isOvertaken } from '../src/nats/bucket';
import { BucketWatch } from '../src/nats/bucket-watch';
import { NatsLink } from '../src/nats/nats-link';
import { defaultSettings } from '../src/settings/default-settings';
import { Api } from './support/api';
import { createTestDatabase, type TestDatabase } from './support/database';
import { edgeReaches, startEdge } from './support/edge';
import { eventually } from './support/eventually';
import { describeWithNats, startNats, type NatsServer } from './support/nats';
import { startProxy } from './support/proxy';
import { startServer } from './support/server';

jest.setTimeout(60_000);

const KEY = 'state.snapshot.production.orders';
/** What it tells operators to do is done here. */
const page = readFileSync(path.resolve(__dirname, '../docs/edges.md'), 'utf8');

/** A process that takes itself for the distributor. */
async function startWriter(url: string) {
  const link = new NatsLink(defaultSettings({ nats: { url } }).nats, 'writer');
  const bucket = new Bucket(link, 'trimtab');
  const overtakenAt: string[] = [];
  const lost = new AbortController();
  let loaded = false;
  const contents = new BucketContents({ loaded: () => (loaded = true), writtenByAnother: (key) => overtakenAt.push(key) });
  const watch = new BucketWatch(link, bucket, contents, () => bucket.ensure(1));
  await eventually(() => expect(loaded).toBe(true));
  const close = async (): Promise<void> => {
    await link.close();
    await watch.stop();
  };
  return { contents, writer: new BucketWriter(bucket, contents, lost.signal), lost, watch, overtakenAt, close };
}

describeWithNats('given two processes of which each takes itself for the distributor', () => {
  let nats: NatsServer;
  let former: Awaited<ReturnType<typeof startWriter>>;
  let present: Awaited<ReturnType<typeof startWriter>>;

  beforeAll(async () => {
    nats = await startNats();
    former = await startWriter(nats.url);
    present = await startWriter(nats.url);
  });
  afterAll(async () => {
    await former.close();
    await present.close();
    await nats.close();
  });

  it('writes nothing older over something newer, however long a write was on its way', async () => {
    await former.writer.put(KEY, { revision: 1, etag: '"1"' });
    await eventually(() => expect(present.contents.value(KEY)).toMatchObject({ revision: 1 }));
    // The former one is paused with what it knows: nothing that is written reaches it.
    await former.watch.stop();
    await present.writer.put(KEY, { revision: 3, etag: '"3"' });
    const late = await former.writer.put(KEY, { revision: 2, etag: '"2"' }).catch((error: unknown) => error);
    expect(isOvertaken(late)).toBe(true);
    const deletion = await former.writer.delete(KEY).catch((error: unknown) => error);
    expect(isOvertaken(deletion)).toBe(true);
    const reader = await startWriter(nats.url);
    expect(reader.contents.value(KEY)).toMatchObject({ revision: 3 });
    await reader.close();
  });

  it('notices what another has written, and writes nothing once it knows that it has lost the lock', async () => {
    await present.writer.put('state.service.mine', {});
    const another = await startWriter(nats.url);
    await another.writer.put('state.service.theirs', {});
    await eventually(() => expect(present.overtakenAt).toContain('state.service.theirs'));
    expect(present.overtakenAt).not.toContain('state.service.mine');
    another.lost.abort();
    await expect(another.writer.put('state.service.more', {})).rejects.toThrow('Another replica distributes now.');
    await another.close();
  });
});

describeWithNats('given users that may do what docs/edges.md says and nothing else', () => {
  const row = (who: string): string[][] => {
    const cells = new RegExp(`^\\| ${who} \\| (.*) \\| (.*) \\|$`, 'm').exec(page)!.slice(1);
    return cells.map((cell) => [...cell.matchAll(/`([^`]+)`/g)].map(([, subject]) => subject!));
  };
  const user = (who: string): string => {
    const [publish, subscribe] = row(who);
    return `{ user: "${who}", password: "s3cret", permissions: { publish: ${JSON.stringify(publish)}, subscribe: ${JSON.stringify(subscribe)} } }`;
  };
  const as = (url: string, who: string): string => url.replace('nats://', `nats://${who}:s3cret@`);

  it('distributes as the one and serves as the other, which cannot write', async () => {
    const nats = await startNats({ authorization: `users: [ ${user('replicas')}, ${user('edges')} ]` });
    const server = await startServer({ nats: { url: as(nats.url, 'replicas') } });
    const api = new Api(server.url, server.token);
    await api.given({}, ['orders']);
    const { json } = await api.putYaml('orders@base', 'n: 1\n');
    const key = (await api.must('POST', '/api/v1/client-keys', { name: 'reader', service: '*', environment: 'base' })).json.secret as string;
    const edge = await startEdge(as(nats.url, 'edges'));
    await edgeReaches(edge.url, json.revision as number);
    await eventually(async () => expect((await new Api(edge.url, key).get('/v1/config/base/orders')).json).toMatchObject({ revision: json.revision }));
    await eventually(async () => expect((await api.must('GET', '/api/v1/replicas')).json.items).toHaveLength(2));

    const link = new NatsLink(defaultSettings({ nats: { url: as(nats.url, 'edges') } }).nats, 'intruder');
    await expect(new Bucket(link, 'trimtab').put(KEY, { revision: 99, etag: '"99"' }, 0)).rejects.toThrow(/permission/i);
    await link.close();
    await edge.close();
    await server.close();
    await nats.close();
  });
});

describeWithNats('given a hub and a region behind a leaf node', () => {
  let hub: NatsServer;
  let leaf: NatsServer;
  let database: TestDatabase;

  beforeAll(async () => {
    hub = await startNats({ domain: 'hub', hub: true });
    database = await createTestDatabase();
  });
  afterAll(async () => {
    await leaf.close();
    await hub.close();
    await database.close();
  });

  it('serves from the mirror of the region, also while the link is cut, and catches up behind it', async () => {
    const server = await startServer({ nats: { url: hub.url } }, database);
    const api = new Api(server.url, server.token);
    await api.given({ production: 'base' }, ['orders']);
    const { json: first } = await api.putYaml('orders@production', 'n: 1\n');
    const key = (await api.must('POST', '/api/v1/client-keys', { name: 'reader', service: '*', environment: 'base' })).json.secret as string;
    const link = await startProxy(hub.leafPort);
    leaf = await startNats({ domain: 'region', leafOf: `127.0.0.1:${link.port}` });
    await mirror(leaf.url);
    const edge = await startEdge(leaf.url);
    const atEdge = async () => (await new Api(edge.url, key).get('/v1/config/production/orders')).json as { revision: number };
    await edgeReaches(edge.url, first.revision as number, 20_000);
    await eventually(async () => expect((await atEdge()).revision).toBe(first.revision));

    link.refuse();
    const { json: second } = await api.putYaml('orders@production', 'n: 2\n');
    expect((await atEdge()).revision).toBe(first.revision);
    // An edge that starts while the region is cut off finds everything in its mirror.
    const late = await startEdge(leaf.url);
    await eventually(async () => expect((await new Api(late.url, key).get('/v1/config/production/orders')).json).toMatchObject({ revision: first.revision }));

    link.accept();
    for (const { url } of [edge, late]) await edgeReaches(url, second.revision as number, 30_000);
    expect((await atEdge()).revision).toBe(second.revision);
    await late.close();
    await edge.close();
    await server.close();
    await link.close();
  });

  /** As docs/edges.md tells to. */
  async function mirror(url: string): Promise<void> {
    const nc = await connect({ servers: url.replace('nats://', '') });
    const jsm = await jetstreamManager(nc, { checkAPI: false });
    const [, json] = /```json\n([^]*?)```/.exec(page)!;
    const config = JSON.parse(json!) as Parameters<typeof jsm.streams.add>[0];
    await eventually(() => jsm.streams.add(config), { timeoutMs: 20_000 });
    await nc.close();
  }
});
