import { systemClock } from '../kernel/clock';
import { defaultSettings } from '../settings/default-settings';
import { Feed } from './feed';
import { FakeSource } from './testing/fake-source';
import { ManualScheduler } from './testing/manual-scheduler';
import { RecordingSink } from './testing/recording-sink';

const ORDERS = { service: 'orders', environment: 'production' };
const BILLING = { service: 'billing', environment: 'production' };
const LONG = 'a text that makes a message large, as messages go in this file. '.repeat(15);
const SETTINGS = { largeMessageBytes: 500, deltaHistory: 0, bookmarkIntervalMs: 1_000_000, heartbeatMs: 1_000_000 };

let source: FakeSource;
let scheduler: ManualScheduler;
let feed: Feed;

beforeEach(() => {
  source = new FakeSource();
  scheduler = new ManualScheduler();
  feed = new Feed(source, defaultSettings({ feed: SETTINGS }).feed, scheduler, systemClock);
  source.publish(ORDERS, { n: 1 });
});

async function connect(target = ORDERS) {
  const sink = new RecordingSink();
  const subscription = await feed.subscribe({ target, since: null, admission: { id: 'key' } });
  subscription.start(sink);
  return { sink, subscription };
}
type Client = Awaited<ReturnType<typeof connect>>;

/** Connected; each connection is full as soon as it was sent something. */
async function crowd(size: number): Promise<Client[]> {
  const clients = await Promise.all(Array.from({ length: size }, () => connect()));
  for (const { sink } of clients) sink.onSend = () => (sink.room = 0);
  return clients;
}

function publish(n: number): void {
  source.publish(ORDERS, { n, LONG });
}

/** The client has taken what it was sent. */
function take({ sink, subscription }: Client): void {
  sink.room = 1;
  subscription.flush();
  scheduler.settle();
}

const served = (clients: readonly Client[]) => clients.filter(({ sink }) => sink.sent.length > 1);
const unserved = (clients: readonly Client[]) => clients.filter(({ sink }) => sink.sent.length === 1);

describe('a large message', () => {
  it('is sent to a few at a time, the next when one has taken it, until everyone has it', async () => {
    const clients = await crowd(40);
    publish(2);
    scheduler.settle();
    expect(served(clients)).toHaveLength(16);
    expect(feed.counters.largeMessages).toEqual({ underWay: 16, waiting: 24 });
    take(clients[0]!);
    expect(served(clients)).toHaveLength(17);
    for (let round = 0; round < 3; round += 1) for (const client of clients) take(client);
    for (const { sink } of clients) expect(sink.sent.slice(1)).toMatchObject([{ type: 'snapshot', revision: 2 }]);
    expect(feed.counters.largeMessages).toEqual({ underWay: 0, waiting: 0 });
  });

  it('is the newest when the turn of a client comes, however many were published while it waited', async () => {
    const clients = await crowd(17);
    publish(2);
    scheduler.settle();
    const [last] = unserved(clients);
    publish(3);
    publish(4);
    scheduler.settle();
    take(served(clients)[0]!);
    expect(last!.sink.sent.slice(1)).toMatchObject([{ revision: 4 }]);
  });

  it('keeps its turn for a client while somebody publishes without pause', async () => {
    const clients = await crowd(18);
    publish(2);
    scheduler.settle();
    const [first, second] = unserved(clients);
    for (let n = 3; n < 5; n += 1) {
      publish(n);
      scheduler.settle();
      take(served(clients)[n]!);
    }
    expect([first, second].map((client) => client!.sink.sent.length)).toEqual([2, 2]);
  });

  it('is not held up by clients that do not take it', async () => {
    const clients = await crowd(20);
    publish(2);
    scheduler.settle();
    expect(served(clients)).toHaveLength(16);
    scheduler.advance(2_000);
    scheduler.settle();
    expect(served(clients)).toHaveLength(20);
  });

  it('makes room when a client that was taking it leaves, and forgets one that leaves while it waits', async () => {
    const clients = await crowd(18);
    publish(2);
    scheduler.settle();
    const [gone, other] = unserved(clients);
    gone!.subscription.close();
    served(clients)[0]!.subscription.close();
    scheduler.settle();
    expect(gone!.sink.sent).toHaveLength(1);
    expect(other!.sink.sent).toHaveLength(2);
  });

  it('is sent in slices of the event loop', async () => {
    const clients = await crowd(10);
    publish(2);
    // The broadcast finds that all of them have to wait.
    scheduler.turn();
    scheduler.cost = 5;
    scheduler.turn();
    expect(served(clients)).toHaveLength(1);
    scheduler.settle();
    expect(served(clients)).toHaveLength(10);
  });

  it('lets small ones past', async () => {
    source.publish(BILLING, { n: 1 });
    const clients = await crowd(17);
    const small = await connect(BILLING);
    publish(2);
    source.publish(BILLING, { n: 2 });
    scheduler.settle();
    expect(served(clients)).toHaveLength(16);
    expect(small.sink.sent.at(-1)).toMatchObject({ revision: source.head });
  });
});
