import { DomainError } from '../kernel/domain-error';
import { layerKey, type LayerName } from '../kernel/names';
import { POSITION_KEY, snapshotKey, type PositionEntry, type SnapshotEntry } from '../nats/entries';
import { SnapshotSync } from './snapshot-sync';

const ORDERS: LayerName = { service: 'orders', environment: 'base' };
const BILLING: LayerName = { service: 'billing', environment: 'base' };

/** A log and a bucket, in which every write takes a turn. */
class World {
  position = 1;
  readonly revisions = new Map([['orders@base', 1], ['billing@base', 1]]);
  readonly bucket = new Map<string, unknown>();
  readonly writes: string[] = [];
  readonly claims: number[] = [];
  failures = 0;
  environments: string[] = [];
  unservable: LayerName | undefined;
  /** Runs when something is read as of a revision. */
  meanwhile: (() => void) | undefined;

  readonly sync = new SnapshotSync(
    this as never,
    { peek: () => undefined, getAsOf: (target: LayerName, revision: number) => this.read(target, revision) } as never,
    {
      all: () => new Map([ORDERS, BILLING].map((target) => [layerKey(target), target])),
      dependents: (layers: readonly LayerName[]) => Promise.resolve(new Map(layers.map((target) => [layerKey(target), target]))),
      newer: (targets: Iterable<LayerName>, known: (target: LayerName) => number) => Promise.resolve([...targets].filter((target) => this.revisionOf(target) > known(target))),
    } as never,
    {
      newServices: () => [],
      addServices: () => Promise.resolve(),
      newEnvironments: () => this.environments,
      addEnvironments: (names: readonly string[]) => Promise.resolve(void this.writes.push(...names)),
    } as never,
    {
      loaded: true,
      value: (key: string) => this.bucket.get(key),
      get position() {
        return world.bucket.get(POSITION_KEY) as PositionEntry | undefined;
      },
    } as never,
    { chunkBytes: () => Promise.resolve(1_000_000), put: (key: string, entry: object) => this.put(key, entry) } as never,
  );

  publish(...targets: LayerName[]): void {
    this.position += 1;
    for (const target of targets) this.revisions.set(layerKey(target), this.position);
    this.sync.note(targets);
  }

  revisionOf(target: LayerName): number {
    return this.revisions.get(layerKey(target)) ?? 0;
  }

  reach(): Promise<void> {
    return Promise.resolve();
  }

  claimed(revision: number): Promise<void> {
    this.claims.push(revision);
    return Promise.resolve();
  }

  private async read(target: LayerName, asOf: number): Promise<unknown> {
    const meanwhile = this.meanwhile;
    this.meanwhile = undefined;
    meanwhile?.();
    await Promise.resolve();
    if (target === this.unservable) throw new DomainError('include_cycle', 'The includes form a cycle.');
    const revision = Math.min(this.revisionOf(target), asOf);
    return { ...target, revision, etag: `"${revision}"`, record: () => ({ revision }) };
  }

  private async put(key: string, entry: object): Promise<void> {
    await Promise.resolve();
    if (this.failures > 0) {
      this.failures -= 1;
      throw new Error('NATS is away');
    }
    this.bucket.set(key, entry);
    this.writes.push(`${key} ${(entry as SnapshotEntry).revision}`);
  }
}

let world: World;

beforeEach(async () => {
  world = new World();
  await world.sync.run();
  world.writes.length = 0;
});

it('writes the position after everything up to it, and says how much that was', async () => {
  world.publish(ORDERS, BILLING);
  await world.sync.run();
  expect(world.writes).toHaveLength(3);
  expect(world.writes.at(-1)).toBe(`${POSITION_KEY} 2`);
  expect(world.bucket.get(POSITION_KEY)).toEqual({ revision: 2, from: 1, snapshots: 2 });
});

it('writes nothing of a later revision before the position, though it is published meanwhile', async () => {
  world.meanwhile = () => world.publish(ORDERS);
  world.publish(ORDERS);
  await world.sync.run();
  expect(world.writes).toEqual([`${snapshotKey(ORDERS)} 2`, `${POSITION_KEY} 2`]);
  await world.sync.run();
  expect(world.writes.slice(2)).toEqual([`${snapshotKey(ORDERS)} 3`, `${POSITION_KEY} 3`]);
});

it('goes on where it failed, and says no position before', async () => {
  world.failures = 1;
  world.publish(ORDERS, BILLING);
  await expect(world.sync.run()).rejects.toThrow('NATS is away');
  expect(world.writes).not.toContain(`${POSITION_KEY} 2`);
  await world.sync.run();
  expect(world.writes.sort()).toEqual([`${POSITION_KEY} 2`, `${snapshotKey(BILLING)} 2`, `${snapshotKey(ORDERS)} 2`].sort());
});

it('mends what the bucket lacks or has too old, and nothing else', async () => {
  world.publish(ORDERS);
  await world.sync.run();
  world.writes.length = 0;
  world.bucket.set(snapshotKey(ORDERS), { revision: 1, etag: '"1"' });
  world.sync.compareAll();
  await world.sync.run();
  expect(world.writes).toEqual([`${snapshotKey(ORDERS)} 2`, `${POSITION_KEY} 2`]);
});

it('shows a new environment only after what is inherited in it', async () => {
  world.environments = ['production'];
  world.bucket.delete(snapshotKey(ORDERS));
  await world.sync.run();
  expect(world.writes).toEqual([`${snapshotKey(ORDERS)} 1`, `${POSITION_KEY} 1`, 'production']);
});

it('does not hold up the others for what no replica could serve either', async () => {
  world.unservable = ORDERS;
  world.publish(ORDERS, BILLING);
  await world.sync.run();
  expect(world.writes).toEqual([`${snapshotKey(BILLING)} 2`, `${POSITION_KEY} 2`]);
});

it('writes nothing while the bucket is ahead of the log', async () => {
  world.bucket.set(POSITION_KEY, { revision: 9, from: 8, snapshots: 0 });
  world.publish(ORDERS);
  await expect(world.sync.run()).rejects.toThrow('an older backup was restored');
  expect(world.writes).toEqual([]);
  // A recovery has to go above what edges have seen.
  expect(world.claims).toEqual([9]);
});
