import { eventually } from '../../test/support/eventually';
import type { LeaseBook, ReplicaIdentity } from './lease-book';
import { LeaseKeeper } from './lease-keeper';

const IDENTITY: ReplicaIdentity = { id: 'r', kind: 'replica', host: 'h', pid: 1, version: '1', startedAt: new Date(0) };

class Book implements LeaseBook {
  readonly registered: string[] = [];
  readonly ended: string[] = [];
  renewals = 0;
  holds = true;
  fault: (() => Promise<never>) | undefined;

  async register(lease: string): Promise<void> {
    await this.fault?.();
    this.registered.push(lease);
    this.holds = true;
  }

  async renew(): Promise<boolean> {
    await this.fault?.();
    this.renewals += 1;
    return this.holds;
  }

  async end(lease: string): Promise<void> {
    await this.fault?.();
    this.ended.push(lease);
  }
}

let book: Book;
let keeper: LeaseKeeper;
let begun: string[];
let failures: number;

beforeEach(() => {
  book = new Book();
  begun = [];
  failures = 0;
  keeper = new LeaseKeeper({ book, identity: IDENTITY, status: () => ({ position: 0, connections: 0, listening: true }), leaseMs: 60, onFailure: () => (failures += 1) });
  keeper.onLease((lease) => begun.push(lease));
});
afterEach(() => keeper.stop());

it('registers once, and renews for as long as the book agrees', async () => {
  keeper.start();
  await eventually(() => expect(book.renewals).toBeGreaterThan(3));
  expect(book.registered).toHaveLength(1);
  expect(begun).toEqual(book.registered);
  expect(keeper.lease).toBe(begun[0]);
});

it('registers again, under another lease, when the book knows it no longer', async () => {
  keeper.start();
  await eventually(() => expect(begun).toHaveLength(1));
  book.holds = false;
  await eventually(() => expect(begun).toHaveLength(2));
  expect(begun[1]).not.toBe(begun[0]);
});

it('registers again when somebody does not know what was written under the lease', async () => {
  keeper.start();
  await eventually(() => expect(begun).toHaveLength(1));
  keeper.lose(begun[0]!);
  expect(keeper.lease).toBeUndefined();
  // It may be told so more than once, and of a lease that is long gone.
  keeper.lose(begun[0]!);
  await eventually(() => expect(begun).toHaveLength(2));
  keeper.lose(begun[0]!);
  expect(keeper.lease).toBe(begun[1]);
});

it('goes on trying while the book does not answer, complains once, and goes on with its lease if that still runs', async () => {
  keeper.start();
  await eventually(() => expect(begun).toHaveLength(1));
  let tries = 0;
  book.fault = () => (tries += 1, Promise.reject(new Error('away')));
  await eventually(() => expect(tries).toBeGreaterThan(3));
  expect(failures).toBe(1);
  book.fault = undefined;
  const { renewals } = book;
  await eventually(() => expect(book.renewals).toBeGreaterThan(renewals + 1));
  expect(begun).toHaveLength(1);
  book.fault = () => Promise.reject(new Error('away again'));
  await eventually(() => expect(failures).toBe(2));
});

it('does not wait for ever for a book that says nothing', async () => {
  let tries = 0;
  book.fault = () => (tries += 1, new Promise<never>(() => undefined));
  keeper.start();
  await eventually(() => expect(tries).toBeGreaterThan(1));
  book.fault = undefined;
  await eventually(() => expect(begun).toHaveLength(1));
});

it('ends its lease when it stops, also one that is being taken at that moment', async () => {
  keeper.start();
  await keeper.stop();
  expect(book.ended).toEqual(book.registered);
  expect(begun).toEqual([]);
  const { renewals } = book;
  keeper.start();
  expect(book.renewals).toBe(renewals);
});
