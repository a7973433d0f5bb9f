import { eventually } from '../../test/support/eventually';
import { systemClock } from '../kernel/clock';
import type { InstanceBatch, InstanceWriter } from './instance';
import { InstanceFlusher } from './instance-flusher';
import { InstanceRegistry } from './instance-registry';

const TARGET = { service: 'orders', environment: 'base' };

/** A table that holds what it was told, and fails when it is told to. */
class Table implements InstanceWriter {
  readonly batches: InstanceBatch[] = [];
  readonly rows = new Map<string, string>();
  complete = jest.fn(() => Promise.resolve());
  answer: () => Promise<boolean> = () => Promise.resolve(true);

  async write(_lease: string, batch: InstanceBatch): Promise<boolean> {
    // What happens to the instances while the statement runs is none of its business.
    const rows = batch.present.map(({ connection, state }) => [connection, state] as const);
    this.batches.push(batch);
    if (!(await this.answer())) return false;
    for (const connection of batch.gone) this.rows.delete(connection);
    for (const [connection, state] of rows) this.rows.set(connection, state);
    return true;
  }
}

class Leases {
  readonly lost: string[] = [];
  private listener: (lease: string) => void = () => undefined;

  onLease(listener: (lease: string) => void): () => void {
    this.listener = listener;
    return () => undefined;
  }

  begin(lease: string): void {
    this.listener(lease);
  }

  lose(lease: string): void {
    this.lost.push(lease);
  }
}

let registry: InstanceRegistry;
let table: Table;
let leases: Leases;
let flusher: InstanceFlusher;
let failures: unknown[];

beforeEach(() => {
  registry = new InstanceRegistry(systemClock);
  table = new Table();
  leases = new Leases();
  failures = [];
  flusher = new InstanceFlusher({ registry, writer: table, leases, intervalMs: 60, timeLimitMs: 300, onFailure: (error) => failures.push(error) });
});
afterEach(() => flusher.stop());

const connect = (id: string) => registry.connected(id, TARGET, { id }, 'socket.io');
const connectMany = (count: number) => Array.from({ length: count }, (_none, index) => connect(`i${index}`));
const apply = { state: 'applied', revision: 1, etag: 'e' } as const;
const refuse = { state: 'refused', revision: 1, etag: 'e', reason: 'no' } as const;

it('writes nothing and keeps nothing without a lease, and then everything', async () => {
  const many = connectMany(2_500);
  for (const one of many.slice(0, 500)) one.gone();
  expect(flusher.pending).toBe(0);
  leases.begin('first');
  await eventually(() => expect(table.complete).toHaveBeenCalledTimes(1));
  expect(table.rows.size).toBe(2_000);
  expect(table.batches.map(({ present }) => present.length)).toEqual([1_000, 1_000]);
  expect(table.batches.flatMap(({ gone }) => gone)).toEqual([]);
});

it('says that all is written only when all of those that were there have been', async () => {
  connectMany(1_500);
  table.answer = async () => {
    expect(table.complete).not.toHaveBeenCalled();
    // Refusals of others go first, and must not be taken for those that are still to come.
    if (table.batches.length === 1) for (let index = 0; index < 600; index += 1) connect(`late${index}`).report(refuse);
    return true;
  };
  leases.begin('first');
  await eventually(() => expect(table.complete).toHaveBeenCalledTimes(1));
  for (let index = 0; index < 1_500; index += 1) expect(table.rows.has(`i${index}`)).toBe(true);
});

it('writes what has changed many times once, with how it is now', async () => {
  leases.begin('first');
  await eventually(() => expect(table.complete).toHaveBeenCalled());
  const one = connect('one');
  const passing = connect('passing');
  for (let revision = 1; revision < 100; revision += 1) one.report({ ...apply, revision });
  passing.gone();
  await eventually(() => expect(table.rows.get('one')).toBe('applied'));
  expect(table.batches.filter(({ present }) => present.length > 0)).toHaveLength(1);
  expect(flusher.pending).toBe(0);
});

it('writes a refusal at once, and what comes with it, where success would wait for its time', async () => {
  await flusher.stop();
  const [one, two] = [connect('one'), connect('two')];
  flusher = new InstanceFlusher({ registry, writer: table, leases, intervalMs: 3_600_000, timeLimitMs: 300, onFailure: (error) => failures.push(error) });
  leases.begin('first');
  await eventually(() => expect(table.rows.size).toBe(2));
  one.report(apply);
  two.report(refuse);
  await eventually(() => expect([...table.rows]).toEqual([['one', 'applied'], ['two', 'refused']]));
  expect(table.batches.at(-1)?.present.map(({ connection }) => connection)).toEqual(['two', 'one']);
});

it('writes what changed while it was being written again', async () => {
  leases.begin('first');
  const one = connect('one');
  table.answer = () => {
    one.report(apply);
    table.answer = () => Promise.resolve(true);
    return Promise.resolve(true);
  };
  await eventually(() => expect(table.rows.get('one')).toBe('applied'));
});

it.each([
  ['was refused because the lease has ended', () => Promise.resolve(false), 0],
  ['failed, and may have been written all the same', () => Promise.reject(new Error('connection lost')), 1],
  ['was never answered', () => new Promise<boolean>(() => undefined), 1],
])('gives the lease up when a batch %s, and begins anew with the next', async (_what, answer, told) => {
  leases.begin('first');
  await eventually(() => expect(table.complete).toHaveBeenCalled());
  table.answer = answer;
  const one = connect('one');
  await eventually(() => expect(leases.lost).toEqual(['first']));
  expect(failures).toHaveLength(told);
  one.report(apply);
  connect('two').gone();
  expect(flusher.pending).toBe(0);
  table.answer = () => Promise.resolve(true);
  leases.begin('second');
  await eventually(() => expect(table.complete).toHaveBeenCalledTimes(2));
  expect([...table.rows]).toEqual([['one', 'applied']]);
});

it('ends though the table never answers', async () => {
  leases.begin('first');
  await eventually(() => expect(table.complete).toHaveBeenCalled());
  table.answer = () => new Promise<boolean>(() => undefined);
  connect('one');
  await eventually(() => expect(table.batches.at(-1)?.present).toHaveLength(1));
  await flusher.stop();
  expect(leases.lost).toEqual([]);
});
