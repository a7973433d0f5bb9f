import type { LayerName } from '../kernel/names';
import type { ReadConfig } from '../releases/effective-reader';
import { Snapshot } from './snapshot';
import type { OriginListener, ResolvedSnapshot, SnapshotOrigin } from './snapshot-origin';
import { SnapshotStore } from './snapshot-store';

const ORDERS: LayerName = { service: 'orders', environment: 'base' };

/** A log whose layers each hold one number, with the moments in which somebody else could come in between laid open. */
class World {
  position = 0;
  readonly revisions = new Map<string, number>();
  readonly layers: string[] = ['common@base', 'orders@base'];
  reads = 0;
  /** Runs once, in the middle of the next read: after the first layer was read, before the second. */
  between: (() => void) | undefined;
  failures = 0;
  private listener: OriginListener = () => undefined;

  onMove(listener: OriginListener): () => void {
    this.listener = listener;
    return () => undefined;
  }

  revisionOf(key: string): number {
    return this.revisions.get(key) ?? 0;
  }

  store(): SnapshotStore {
    return new SnapshotStore(this as unknown as SnapshotOrigin);
  }

  publish(...keys: string[]): void {
    this.position += 1;
    for (const key of keys) this.revisions.set(key, this.position);
    this.listener(keys, this.position);
  }

  async read(target: LayerName): Promise<ResolvedSnapshot> {
    this.reads += 1;
    const value: Record<string, number> = {};
    let revision = 0;
    for (const [index, key] of this.layers.entries()) {
      await Promise.resolve();
      value[key] = this.revisions.get(key) ?? 0;
      revision = Math.max(revision, value[key]);
      if (index === 0) {
        const between = this.between;
        this.between = undefined;
        between?.();
      }
    }
    if (this.failures > 0) {
      this.failures -= 1;
      throw new Error('the database is away');
    }
    const content = { format: 'json', value, parts: [], source: () => JSON.stringify(value) };
    const document = { name: 'application', parts: [], schema: undefined };
    const dependsOn = new Set(this.layers);
    const config = {
      config: { target, revision, releases: [], documents: new Map([['application', document]]), dependsOn },
      documents: new Map([['application', { document, content }]]),
    } as unknown as ReadConfig;
    return { snapshot: Snapshot.of(config), dependsOn };
  }
}

function valueOf(snapshot: Snapshot | undefined): unknown {
  const document = snapshot?.documents.application;
  return document && 'value' in document ? document.value : undefined;
}

const settled = async (): Promise<void> => {
  for (let turn = 0; turn < 50; turn += 1) await Promise.resolve();
};

let world: World;
let store: SnapshotStore;

beforeEach(() => {
  world = new World();
  world.publish('common@base', 'orders@base');
  store = world.store();
});

afterEach(() => store.onModuleDestroy());

it('resolves once for any number of readers, and reads nothing while nothing moves', async () => {
  await Promise.all([store.get(ORDERS), store.get(ORDERS), store.get(ORDERS)]);
  await store.get(ORDERS);
  expect(world.reads).toBe(1);
  expect(store.peek(ORDERS)).toBe(await store.get(ORDERS));
});

it('never shows a layer of one revision beside a layer of another', async () => {
  world.between = () => world.publish('common@base', 'orders@base');
  expect(valueOf(await store.get(ORDERS))).toEqual({ 'common@base': 2, 'orders@base': 2 });
});

it('shows the old one to nobody from the moment the new revision is known', async () => {
  await store.get(ORDERS);
  world.publish('orders@base');
  expect(store.peek(ORDERS)).toBeUndefined();
  expect(valueOf(await store.get(ORDERS))).toEqual({ 'common@base': 1, 'orders@base': 2 });
});

it('does not take the old one for fresh while it is being resolved again', async () => {
  await store.watch(ORDERS, () => undefined);
  world.publish('orders@base');
  await Promise.resolve();
  expect(store.peek(ORDERS)).toBeUndefined();
  expect((await store.get(ORDERS)).revision).toBe(2);
});

it('leaves alone what does not depend on the moved layers', async () => {
  const snapshot = await store.get(ORDERS);
  world.publish('billing@base');
  expect(store.peek(ORDERS)).toBe(snapshot);
});

it('tells a watcher of a change that comes while its first read is under way, or shows it in that read', async () => {
  const told: number[] = [];
  world.between = () => world.publish('orders@base');
  const watching = store.watch(ORDERS, ({ revision }) => told.push(revision));
  const { snapshot } = await watching;
  world.publish('orders@base');
  await settled();
  expect([snapshot.revision, ...told]).toEqual([2, 3]);
});

it('tells a watcher of a change that comes right after the snapshot it was given was resolved', async () => {
  const told: number[] = [];
  await store.get(ORDERS);
  // The snapshot is at hand, so the watch is answered in this very turn; the change comes before the answer is seen.
  const watching = store.watch(ORDERS, ({ revision }) => told.push(revision));
  world.publish('orders@base');
  const { snapshot } = await watching;
  await settled();
  expect(Math.max(snapshot.revision, ...told)).toBe(2);
});

it('tells a position only when everything up to it has been handed out', async () => {
  const order: string[] = [];
  await store.watch(ORDERS, ({ revision }) => order.push(`snapshot ${revision}`));
  store.onPosition((revision) => order.push(`position ${revision}`));
  world.publish('orders@base');
  world.publish('billing@base');
  await settled();
  expect(order).toEqual(['snapshot 2', 'position 3']);
});

it('tries again what could not be resolved, and tells no position meanwhile', async () => {
  jest.useFakeTimers();
  try {
    const order: string[] = [];
    await store.watch(ORDERS, ({ revision }) => order.push(`snapshot ${revision}`));
    store.onPosition((revision) => order.push(`position ${revision}`));
    world.failures = 1;
    world.publish('orders@base');
    await settled();
    expect(order).toEqual([]);
    await jest.advanceTimersByTimeAsync(1_000);
    expect(order).toEqual(['snapshot 2', 'position 2']);
  } finally {
    jest.useRealTimers();
  }
});

it('forgets a target that does not exist', async () => {
  world.failures = 1;
  await expect(store.get(ORDERS)).rejects.toThrow('away');
  expect(store.size).toBe(0);
});
