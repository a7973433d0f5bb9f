import { etagOf, type Documents, type JsonValue } from '@trimtab/client/protocol';
import { randomBytes, randomUUID } from 'node:crypto';
import { DataKeys } from '../secrets/data-keys';
import { LocalMasterKeys } from '../secrets/local-master-keys';
import type { WrappedKey } from '../secrets/master-keys';
import { sealValue, type DataKey } from '../secrets/sealed-text';
import { Unsealer } from '../secrets/unsealer';
import { DeliveredSnapshots } from './delivered-snapshots';
import { Snapshot } from './snapshot';
import type { SnapshotListener, SnapshotStore } from './snapshot-store';

const TARGET = { service: 'orders', environment: 'production' };
const CLEAR = { ...TARGET, clear: true };
const BASE = { service: 'orders', environment: 'base' };
const KEY: DataKey = { id: randomUUID(), service: 'orders', bytes: randomBytes(32) };
const masters = new LocalMasterKeys(new Map([['mk', randomBytes(32)]]));

/** One target, whose snapshot a spec sets, and keys that come when the spec lets them. */
class World {
  keys: WrappedKey[] = [];
  current = snapshotOf(1, { plain: 1 });
  private watcher: SnapshotListener = () => undefined;
  private keyListener: () => Promise<void> = () => Promise.resolve();
  readonly dataKeys = new DataKeys({ read: () => Promise.resolve([...this.keys]), onChange: (listener) => {
    this.keyListener = listener;
    return () => undefined;
  } }, masters);
  readonly delivered = new DeliveredSnapshots(this as unknown as SnapshotStore, new Unsealer(this.dataKeys), this.dataKeys);

  constructor() {
    this.dataKeys.onModuleInit();
  }

  peek = (): Snapshot => this.current;
  get = (): Promise<Snapshot> => Promise.resolve(this.current);

  watch(_target: unknown, onChange: SnapshotListener): Promise<{ snapshot: Snapshot; stop(): void }> {
    this.watcher = onChange;
    return Promise.resolve({ snapshot: this.current, stop: () => undefined });
  }

  publish(snapshot: Snapshot): void {
    this.current = snapshot;
    this.watcher(snapshot);
  }

  async keysCome(): Promise<void> {
    this.keys = [{ ...KEY, retired: false, ...(await masters.wrap(KEY)) }];
    await this.keyListener();
  }
}

function snapshotOf(revision: number, value: JsonValue, sealed?: Snapshot['sealed']): Snapshot {
  const documents: Documents = { application: { format: 'yaml', value } };
  const etag = etagOf(documents as unknown as JsonValue);
  return Snapshot.restore({ ...TARGET, revision, etag, layers: [], documents, sources: {}, ...(sealed && { sealed }) });
}

const place = (path: string, layer = BASE) => ({ document: 'application', path, ...layer });
const sealedSnapshot = (revision = 2, password: JsonValue = 'hunter2') =>
  snapshotOf(revision, { db: { password: sealValue(password, KEY, BASE) }, plain: 1 }, [place('/db/password')]);
const valueOf = (snapshot: Snapshot | undefined): unknown => (snapshot?.documents['application'] as { value: unknown } | undefined)?.value;
const settled = async (): Promise<void> => {
  for (let turn = 0; turn < 50; turn += 1) await Promise.resolve();
};

let world: World;
beforeEach(() => {
  world = new World();
});

it('is the very same snapshot in both variants when nothing in it is sealed', async () => {
  expect(await world.delivered.get(CLEAR)).toBe(world.current);
  expect(world.delivered.peek(CLEAR)).toBe(world.delivered.peek(TARGET));
});

it('opens it once for all, and only for those who ask for clear text', async () => {
  await world.keysCome();
  world.current = sealedSnapshot();
  expect(world.delivered.peek(CLEAR)).toBeUndefined();
  const [one, other] = await Promise.all([world.delivered.get(CLEAR), world.delivered.get(CLEAR)]);
  expect([one === other, world.delivered.peek(CLEAR) === one]).toEqual([true, true]);
  expect(valueOf(one)).toEqual({ db: { password: 'hunter2' }, plain: 1 });
  expect(await world.delivered.get(TARGET)).toBe(world.current);
});

it('has an ETag that only those can make who know the salt', async () => {
  await world.keysCome();
  world.current = sealedSnapshot();
  const { etag, documents, notes } = await world.delivered.get(CLEAR);
  expect(etag).toBe(etagOf(documents as unknown as JsonValue, notes.salt));
  expect(etag).not.toBe(etagOf(documents as unknown as JsonValue));
  world.current = sealedSnapshot(3);
  expect((await world.delivered.get(CLEAR)).etag).toBe(etag);
});

it('refuses to be kept in clear text', async () => {
  await world.keysCome();
  world.current = sealedSnapshot();
  const clear = await world.delivered.get(CLEAR);
  expect(() => clear.record()).toThrow('kept nowhere');
});

it('does not open what stands in another layer than it was sealed for', async () => {
  await world.keysCome();
  world.current = snapshotOf(2, { a: sealValue(1, KEY, BASE), b: sealValue(2, KEY, TARGET) }, [place('/a', TARGET), place('/b', TARGET)]);
  const clear = await world.delivered.get(CLEAR);
  expect([valueOf(clear), clear.notes.unreadable]).toEqual([{ a: expect.stringContaining('trimtab:sealed'), b: 2 }, [{ document: 'application', path: '/a', reason: 'damaged' }]]);
});

it('says of each value why it is not readable, and gives it as soon as its key has come', async () => {
  world.current = sealedSnapshot();
  const told: Snapshot[] = [];
  const { snapshot } = await world.delivered.watch(CLEAR, (next) => told.push(next));
  expect(snapshot.notes.unreadable).toEqual([{ document: 'application', path: '/db/password', reason: 'unknown_key' }]);
  await world.keysCome();
  await settled();
  expect(valueOf(told.at(-1))).toEqual({ db: { password: 'hunter2' }, plain: 1 });
  expect(await world.delivered.get(CLEAR)).toBe(told.at(-1));
});

it('tells watchers of the newest only, and nothing after they have stopped', async () => {
  await world.keysCome();
  const told: Snapshot[] = [];
  const { stop } = await world.delivered.watch(CLEAR, (next) => told.push(next));
  world.publish(sealedSnapshot(2, 'first'));
  world.publish(sealedSnapshot(3, 'second'));
  await settled();
  world.publish(snapshotOf(4, { plain: 2 }));
  expect(told.map(valueOf)).toEqual([{ db: { password: 'second' }, plain: 1 }, { plain: 2 }]);
  world.publish(sealedSnapshot(5));
  stop();
  await settled();
  expect(told).toHaveLength(2);
});
