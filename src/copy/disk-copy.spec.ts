import { Logger } from '@nestjs/common';
import { existsSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import path from 'node:path';
import { eventually } from '../../test/support/eventually';
import { opened } from '../../test/support/open-resources';
import type { Capture, CopiedState, CopySource } from './copied';
import { DiskCopy } from './disk-copy';

const STATE: CopiedState = { log: 'log-1', position: 1, environments: [], services: [], credentials: [] };

/** A source of snapshots that each hold one text. */
class World implements CopySource {
  position = 0;
  log = 'log-1';
  stale = 0;
  canSettle = true;
  captures = 0;
  readonly snapshots = new Map<string, { revision: number; text: string }>();
  readonly moves = new Map<string, number>();
  private listener: () => void = () => undefined;

  onChange(listener: () => void): () => void {
    this.listener = listener;
    return () => (this.listener = () => undefined);
  }

  settle(): Promise<boolean> {
    return Promise.resolve(this.canSettle);
  }

  capture(): Capture {
    this.captures += 1;
    return {
      state: { ...STATE, log: this.log, position: this.position },
      snapshots: [...this.snapshots].map(([service, { revision, text }]) => ({
        target: { service, environment: 'base' },
        revision,
        etag: text,
        dependsOn: new Set([`${service}@base`]),
        record: () => ({ text }),
      })),
      stale: this.stale,
      moved: (keys, since) => keys.some((key) => (this.moves.get(key) ?? 0) > since),
    };
  }

  publish(service: string, text: string): void {
    this.position += 1;
    this.snapshots.set(service, { revision: this.position, text });
    this.moves.set(`${service}@base`, this.position);
    this.listener();
  }
}

let folder: string;
let world: World;
let warnings: string[];
let open: DiskCopy[] = [];
let removed: () => void;

beforeEach(() => {
  folder = path.join(mkdtempSync(path.join(tmpdir(), 'trimtab-copy-')), 'copy');
  removed = opened(`folder ${folder}`);
  world = new World();
  warnings = [];
  jest.spyOn(Logger.prototype, 'warn').mockImplementation((message: string) => void warnings.push(message));
  jest.spyOn(Logger.prototype, 'log').mockImplementation(() => undefined);
});
afterEach(async () => {
  for (const copy of open) await end(copy);
  open = [];
  jest.restoreAllMocks();
  rmSync(path.dirname(folder), { recursive: true, force: true });
  removed();
});

function start({ maxBytes = 1_000_000 } = {}): DiskCopy {
  const copy = new DiskCopy({ folder, maxBytes, intervalMs: 10 });
  open.push(copy);
  return copy;
}

async function end(copy: DiskCopy): Promise<void> {
  await copy.finish();
  copy.close();
}

const written = (copy: DiskCopy) => eventually(() => expect([copy.status.behindMs, copy.status.position]).toEqual([0, world.position]));
const textOf = (copy: DiskCopy, service: string): unknown => (copy.find({ service, environment: 'base' })?.record as { text: string } | undefined)?.text;
const snapshotFiles = (): string[] => readdirSync(folder).filter((name) => /^[0-9a-f]{64}$/.test(name));

async function keep(...services: string[]): Promise<void> {
  const copy = start();
  copy.follow(world);
  for (const service of services) world.publish(service, `text of ${service}`);
  await written(copy);
  await end(copy);
}

it('has what it was given when it is opened again', async () => {
  await keep('orders', 'billing');
  const copy = start();
  expect(copy.state).toEqual({ ...STATE, position: 2 });
  expect([textOf(copy, 'orders'), textOf(copy, 'billing'), textOf(copy, 'nobody')]).toEqual(['text of orders', 'text of billing', undefined]);
  expect(copy.status).toEqual({ state: 'kept', position: 2, snapshots: 2, behindMs: 0, error: undefined });
});

it('can be read by nobody else', async () => {
  await keep('orders');
  expect(statSync(folder).mode & 0o777).toBe(0o700);
  for (const name of readdirSync(folder)) expect(statSync(path.join(folder, name)).mode & 0o777).toBe(0o600);
});

it('refuses a damaged snapshot, says so once, and uses the rest', async () => {
  await keep('orders', 'billing');
  const victim = snapshotFiles().find((name) => readFileSync(path.join(folder, name), 'utf8').includes('orders'))!;
  writeFileSync(path.join(folder, victim), readFileSync(path.join(folder, victim), 'utf8').replace('orders', 'orderz'));
  const copy = start();
  expect([textOf(copy, 'orders'), textOf(copy, 'orders'), textOf(copy, 'billing')]).toEqual([undefined, undefined, 'text of billing']);
  expect(warnings).toHaveLength(1);
});

it.each([
  ['damaged', (bytes: string) => bytes.replace('log-1', 'log-2')],
  ['cut short', (bytes: string) => bytes.slice(0, -10)],
  ['empty', () => ''],
])('starts anew when the state is %s', async (_what, spoil) => {
  await keep('orders');
  writeFileSync(path.join(folder, 'state'), spoil(readFileSync(path.join(folder, 'state'), 'utf8')));
  const copy = start();
  expect(copy.state).toBeUndefined();
  expect(warnings).toHaveLength(1);
  copy.follow(world);
  await written(copy);
  expect(textOf(copy, 'orders')).toBe('text of orders');
});

it('writes what has changed only, and removes what nothing counts on', async () => {
  const copy = start();
  copy.follow(world);
  world.publish('orders', 'one');
  world.publish('billing', 'one of billing');
  await written(copy);
  const before = snapshotFiles();
  world.publish('orders', 'two');
  await written(copy);
  const after = snapshotFiles();
  expect(after).toHaveLength(2);
  expect(after.filter((name) => before.includes(name))).toHaveLength(1);
});

it('keeps what nobody asks for any more until something moves it', async () => {
  const copy = start();
  copy.follow(world);
  world.publish('orders', 'one');
  world.publish('billing', 'one');
  await written(copy);
  world.snapshots.delete('orders');
  world.publish('billing', 'two');
  await written(copy);
  expect(textOf(copy, 'orders')).toBe('one');
  world.publish('orders', 'two');
  world.snapshots.delete('orders');
  await written(copy);
  expect(textOf(copy, 'orders')).toBeUndefined();
});

it('gives up the longest unused when it is full', async () => {
  const copy = start({ maxBytes: 250 });
  copy.follow(world);
  for (const service of ['one', 'two', 'three']) world.publish(service, service.repeat(30).slice(0, 90));
  await written(copy);
  expect([textOf(copy, 'one'), textOf(copy, 'two') !== undefined, textOf(copy, 'three') !== undefined]).toEqual([undefined, true, true]);
});

it('writes nothing while the source cannot come to rest, so that what is there stays whole', async () => {
  const copy = start();
  copy.follow(world);
  world.publish('orders', 'one');
  await written(copy);
  world.canSettle = false;
  world.publish('orders', 'two');
  await eventually(() => expect(copy.status.behindMs).toBeGreaterThan(30));
  expect([copy.state?.position, textOf(copy, 'orders')]).toEqual([1, 'one']);
  world.canSettle = true;
  await written(copy);
});

it('waits for what is stale, but not for ever', async () => {
  const copy = start();
  copy.follow(world);
  await eventually(() => expect(world.captures).toBeGreaterThan(0));
  world.stale = 1;
  const { captures } = world;
  world.publish('orders', 'one');
  await written(copy);
  expect(world.captures - captures).toBeGreaterThanOrEqual(5);
});

it('drops everything of another log', async () => {
  await keep('orders');
  world = new World();
  world.log = 'log-2';
  const copy = start();
  copy.follow(world);
  world.publish('billing', 'one');
  await eventually(() => expect([copy.state?.log, textOf(copy, 'orders'), snapshotFiles().length]).toEqual(['log-2', undefined, 1]));
});

it('is kept by one process only, and by the next when that one is gone', async () => {
  await keep('orders');
  const first = start();
  const second = start();
  expect([first.status.state, second.status.state, second.state]).toEqual(['kept', 'taken', undefined]);
  second.follow(world);
  await end(first);
  expect(start().status.state).toBe('kept');
});

it.each([
  ['a process that is gone', { host: hostname(), pid: 4_194_303, started: '1' }],
  ['another process that got the same pid', { host: hostname(), pid: process.pid, started: '1' }],
  ['nobody, since it is damaged', 'x'],
])('takes a lock from %s', async (_what, holder) => {
  await keep('orders');
  writeFileSync(path.join(folder, 'lock'), typeof holder === 'string' ? holder : JSON.stringify(holder));
  expect(start().status.state).toBe('kept');
});

it('leaves a lock to another machine that holds it', async () => {
  await keep('orders');
  writeFileSync(path.join(folder, 'lock'), JSON.stringify({ host: `not-${hostname()}`, pid: 1, started: '1' }));
  expect(start().status.state).toBe('taken');
  rmSync(path.join(folder, 'lock'));
});

it('survives a folder that cannot be written, says so once, and goes on when it can', async () => {
  const copy = start();
  copy.follow(world);
  world.publish('orders', 'one');
  await written(copy);
  renameSync(folder, `${folder}-away`);
  writeFileSync(folder, 'in the way');
  world.publish('orders', 'two');
  await eventually(() => expect(copy.status.error).toBe('EEXIST'));
  world.publish('orders', 'three');
  await eventually(() => expect(copy.status.behindMs).toBeGreaterThan(50));
  expect(warnings).toHaveLength(1);
  rmSync(folder);
  renameSync(`${folder}-away`, folder);
  await written(copy);
  expect([copy.status.error, textOf(copy, 'orders')]).toEqual([undefined, 'three']);
});

it('sweeps what a killed process has left half written', async () => {
  await keep('orders');
  writeFileSync(path.join(folder, 'draft-0011223344556677'), 'half');
  const copy = start();
  copy.follow(world);
  world.publish('orders', 'two');
  await written(copy);
  expect(existsSync(path.join(folder, 'draft-0011223344556677'))).toBe(false);
});

it('keeps nothing without a folder', async () => {
  const copy = new DiskCopy({ folder: undefined, maxBytes: 1 });
  copy.follow(world);
  world.publish('orders', 'one');
  expect([copy.status.state, copy.state, world.captures]).toEqual(['none', undefined, 0]);
  await end(copy);
});
