import { applyPatch, type DeltaMessage } from '@trimtab/client/protocol';
import type { Clock } from '../kernel/clock';
import { defaultSettings } from '../settings/default-settings';
import type { Settings } from '../settings/settings';
import { Feed } from './feed';
import type { Since, Subscription } from './subscription';
import { FakeSource } from './testing/fake-source';
import { ManualScheduler } from './testing/manual-scheduler';
import { RecordingSink } from './testing/recording-sink';

const ORDERS = { service: 'orders', environment: 'production' };
const BILLING = { service: 'billing', environment: 'production' };
const LONG = 'a text that is long enough for a delta to be worth it, and then some more of it';

let source: FakeSource;
let scheduler: ManualScheduler;
let now: Date;
const clock: Clock = { now: () => now };

function feedWith(settings: Partial<Settings['feed']> = {}): Feed {
  return new Feed(source, defaultSettings({ feed: settings }).feed, scheduler, clock);
}

async function connect(feed: Feed, since: Since | null = null, options: { id?: string; expiresAt?: Date; target?: typeof ORDERS; deltas?: boolean } = {}) {
  const { id = 'key', expiresAt, target = ORDERS, deltas } = options;
  const sink = new RecordingSink();
  const subscription = await feed.subscribe({ target, since, admission: { id, expiresAt }, deltas });
  subscription.start(sink);
  return { sink, subscription };
}

beforeEach(() => {
  source = new FakeSource();
  scheduler = new ManualScheduler();
  now = new Date('2027-01-01T00:00:00Z');
  source.publish(ORDERS, { n: 1, text: LONG });
});

describe('the answer to a subscription', () => {
  it('is the whole snapshot for a client that has nothing', async () => {
    const { sink } = await connect(feedWith());
    expect(sink.sent).toEqual([{ type: 'snapshot', revision: 1, etag: source.peek(ORDERS)?.etag, layers: expect.any(Array), documents: source.peek(ORDERS)?.documents }]);
  });

  it('is "current", with the position of the log, for a client that has the newest', async () => {
    source.publish(BILLING, { n: 1 });
    const etag = (await source.get(ORDERS)).etag;
    const { sink } = await connect(feedWith(), { revision: 1, etag });
    expect(sink.sent).toEqual([{ type: 'current', revision: 2 }]);
  });

  it('is a delta for a client whose snapshot is remembered', async () => {
    const feed = feedWith();
    await connect(feed);
    const before = await source.get(ORDERS);
    source.publish(ORDERS, { n: 2, text: LONG });
    const { sink } = await connect(feed, { revision: 1, etag: before.etag });
    expect(sink.types).toEqual(['delta']);
    const { patch, from } = sink.sent[0] as DeltaMessage;
    expect(from).toBe(before.etag);
    expect(applyPatch(before.documents as never, patch)).toEqual(source.peek(ORDERS)?.documents);
  });

  it('is the whole snapshot when the delta is not smaller', async () => {
    const feed = feedWith();
    await connect(feed);
    const { etag } = await source.get(ORDERS);
    source.publish(ORDERS, { all: 'different', and: LONG });
    expect((await connect(feed, { revision: 1, etag })).sink.types).toEqual(['snapshot']);
  });

  it('is the whole snapshot when the client\'s is no longer remembered, or was never known', async () => {
    const feed = feedWith({ deltaHistory: 1 });
    await connect(feed);
    const { etag } = await source.get(ORDERS);
    source.publish(ORDERS, { n: 2, text: LONG });
    source.publish(ORDERS, { n: 3, text: LONG });
    expect((await connect(feed, { revision: 1, etag })).sink.types).toEqual(['snapshot']);
    expect((await connect(feed, { revision: 1, etag: '"unheard of"' })).sink.types).toEqual(['snapshot']);
  });

  it('goes by the revision for a client that keeps no ETag', async () => {
    expect((await connect(feedWith(), { revision: 1 })).sink.types).toEqual(['current']);
    expect((await connect(feedWith(), { revision: 0 })).sink.types).toEqual(['snapshot']);
  });

  it('is refused for a target that does not exist, and nothing is left watching', async () => {
    const feed = feedWith();
    await expect(connect(feed, null, { target: { service: 'nobody', environment: 'base' } })).rejects.toMatchObject({ code: 'service_not_found' });
    expect(source.watching).toBe(0);
  });

  it('answers again, and exactly once, when the client tells its position again', async () => {
    const feed = feedWith();
    const { sink, subscription } = await connect(feed);
    await feed.resubscribe(subscription, null);
    await feed.resubscribe(subscription, { revision: 1, etag: (await source.get(ORDERS)).etag });
    expect(sink.types).toEqual(['snapshot', 'snapshot', 'current']);
  });

  it('answers only the last of two positions told at once', async () => {
    const feed = feedWith();
    const { sink, subscription } = await connect(feed);
    await Promise.all([feed.resubscribe(subscription, null), feed.resubscribe(subscription, { revision: 1, etag: '"other"' })]);
    expect(sink.types).toEqual(['snapshot', 'snapshot']);
  });
});

describe('subscribe first, then read the head, then compare', () => {
  it('loses no change that comes between subscribing and reading the head', async () => {
    source.beforeRead = () => void source.publish(ORDERS, { n: 2 });
    const { sink } = await connect(feedWith());
    expect(sink.sent.at(-1)).toMatchObject({ revision: 2 });
  });

  it('loses no change that comes between reading the head and comparing', async () => {
    source.afterRead = () => void source.publish(ORDERS, { n: 2 });
    const { sink } = await connect(feedWith());
    scheduler.settle();
    expect(sink.sent.at(-1)).toMatchObject({ revision: 2 });
  });

  it('loses no change that comes between being let in and being connected', async () => {
    const feed = feedWith();
    const { etag } = await source.get(ORDERS);
    const subscription = await feed.subscribe({ target: ORDERS, since: { revision: 1, etag }, admission: { id: 'key' } });
    source.publish(ORDERS, { n: 2, text: LONG });
    scheduler.settle();
    const sink = new RecordingSink();
    subscription.start(sink);
    scheduler.settle();
    expect(sink.sent).toMatchObject([{ revision: 2 }]);
  });

  it('reaches what the client has seen before it answers, and never sends anything older', async () => {
    const feed = feedWith();
    await connect(feed);
    const newer = source.publish(ORDERS, { n: 2 }, 'written');
    const { sink } = await connect(feed, { revision: 2, etag: newer.etag });
    expect(source.reached).toEqual([2]);
    expect(sink.sent).toEqual([{ type: 'current', revision: 2 }]);
  });

  it('does not take for newest what the log already knows to be stale', async () => {
    const feed = feedWith();
    await connect(feed);
    const newer = source.publish(ORDERS, { n: 2 }, 'seen');
    const { sink } = await connect(feed, { revision: 2, etag: newer.etag });
    expect(sink.sent).toEqual([{ type: 'current', revision: 2 }]);
  });

  it('refuses for now a client that has seen more than there is', async () => {
    const feed = feedWith();
    await expect(connect(feed, { revision: 99, etag: '"future"' })).rejects.toMatchObject({ code: 'unavailable' });
    const { sink, subscription } = await connect(feed);
    await feed.resubscribe(subscription, { revision: 99, etag: '"future"' });
    expect(sink.ended).toMatchObject({ type: 'closing', code: 'unavailable', retry: true });
  });

  it('ignores a snapshot that is older than the one it has', async () => {
    const feed = feedWith();
    const { sink } = await connect(feed);
    const [channel] = [...(feed as unknown as { channels: Iterable<{ advance(s: unknown): boolean }> }).channels];
    const old = source.peek(ORDERS);
    source.publish(ORDERS, { n: 2 });
    scheduler.settle();
    expect(channel?.advance(old)).toBe(false);
    scheduler.settle();
    expect(sink.sent.at(-1)).toMatchObject({ revision: 2 });
  });
});

describe('a slow client', () => {
  it('gets the newest, in one message from where it stands, however many it has missed', async () => {
    const feed = feedWith();
    const { sink, subscription } = await connect(feed);
    const { etag } = await source.get(ORDERS);
    sink.room = 0;
    for (let n = 2; n <= 5; n += 1) {
      source.publish(ORDERS, { n, text: LONG });
      scheduler.settle();
    }
    expect(feed.pending).toBe(1);
    sink.room = 1;
    subscription.flush();
    subscription.flush();
    expect(sink.sent.slice(1)).toMatchObject([{ type: 'delta', from: etag, revision: 5 }]);
    expect(feed.pending).toBe(0);
  });

  it('gets nothing when what it missed was taken back', async () => {
    const feed = feedWith();
    const { sink, subscription } = await connect(feed);
    sink.room = 0;
    source.publish(ORDERS, { n: 2 });
    scheduler.settle();
    source.publish(ORDERS, { n: 1, text: LONG });
    scheduler.settle();
    sink.room = 1;
    subscription.flush();
    expect(sink.types).toEqual(['snapshot']);
  });

  it('is not waited for by anyone', async () => {
    const feed = feedWith();
    const slow = await connect(feed);
    const quick = await connect(feed);
    slow.sink.room = 0;
    source.publish(ORDERS, { n: 2 });
    scheduler.settle();
    expect(quick.sink.sent).toHaveLength(2);
    expect(slow.sink.sent).toHaveLength(1);
  });

  it('is disconnected when it takes nothing for two heartbeats, and not before', async () => {
    const feed = feedWith({ heartbeatMs: 10_000, bookmarkIntervalMs: 1_000 });
    const { sink } = await connect(feed);
    sink.room = 0;
    source.publish(ORDERS, { n: 2 });
    scheduler.settle();
    scheduler.advance(19_000);
    expect(sink.ended).toBeUndefined();
    scheduler.advance(1_000);
    expect(sink.ended).toMatchObject({ type: 'closing', retry: true });
    expect(feed.counters.stuck).toBe(1);
  });

  it('is not taken for stuck when it has nothing to take', async () => {
    const feed = feedWith({ heartbeatMs: 10_000, bookmarkIntervalMs: 1_000 });
    const { sink } = await connect(feed);
    sink.room = 0;
    scheduler.advance(60_000);
    expect(sink.ended).toBeUndefined();
  });
});

describe('a broadcast', () => {
  it('is encoded once for everyone who stands at the same place', async () => {
    const feed = feedWith();
    const clients = await Promise.all([connect(feed), connect(feed), connect(feed)]);
    source.publish(ORDERS, { n: 2, text: LONG });
    scheduler.settle();
    expect(new Set(clients.map(({ sink }) => sink.encoded[1])).size).toBe(1);
    const format = jest.fn((json: readonly Buffer[]) => Buffer.concat(json));
    const frames = clients.map(({ sink }) => sink.encoded[1]?.as(format));
    expect(new Set(frames).size).toBe(1);
    expect(format).toHaveBeenCalledTimes(1);
  });

  it('is encoded once for all who come while nothing changes', async () => {
    const feed = feedWith();
    const clients = [await connect(feed), await connect(feed), await connect(feed)];
    expect(new Set(clients.map(({ sink }) => sink.encoded[0])).size).toBe(1);
  });

  it('is written in slices between which the event loop has its turn', async () => {
    const feed = feedWith({ sliceMs: 4 });
    const clients = await Promise.all(Array.from({ length: 500 }, () => connect(feed)));
    source.publish(ORDERS, { n: 2 });
    scheduler.cost = 1;
    let turns = 0;
    while (scheduler.turn()) turns += 1;
    expect(turns).toBeGreaterThan(3);
    expect(feed.counters.slices).toBe(turns);
    expect(clients.every(({ sink }) => sink.sent.length === 2)).toBe(true);
  });

  it('lets a small channel through while a large one is being written', async () => {
    source.publish(BILLING, { n: 1 });
    const feed = feedWith({ sliceMs: 2 });
    const large = await Promise.all(Array.from({ length: 500 }, () => connect(feed)));
    const small = await connect(feed, null, { target: BILLING });
    source.publish(ORDERS, { n: 2 });
    source.publish(BILLING, { n: 2 });
    scheduler.cost = 1;
    scheduler.turn();
    expect(small.sink.sent).toHaveLength(2);
    expect(large.at(-1)?.sink.sent).toHaveLength(1);
  });

  it('reaches the last member however often somebody publishes meanwhile', async () => {
    const feed = feedWith({ sliceMs: 1 });
    const clients = await Promise.all(Array.from({ length: 200 }, () => connect(feed)));
    scheduler.cost = 1;
    for (let n = 2; n < 12; n += 1) {
      source.publish(ORDERS, { n });
      scheduler.turn();
    }
    expect(clients.at(-1)?.sink.sent.length).toBeGreaterThan(1);
    scheduler.settle();
    for (const { sink } of clients) expect(sink.sent.at(-1)).toMatchObject({ revision: 11 });
  });

  it('skips those who leave while it is written', async () => {
    const feed = feedWith({ sliceMs: 1 });
    const clients = await Promise.all(Array.from({ length: 100 }, () => connect(feed)));
    source.publish(ORDERS, { n: 2 });
    scheduler.cost = 1;
    scheduler.turn();
    clients.at(-1)?.subscription.close();
    scheduler.settle();
    expect(clients.at(-1)?.sink.sent).toHaveLength(1);
  });

  it('sends no delta to a client that takes none', async () => {
    const feed = feedWith();
    const { sink } = await connect(feed, null, { deltas: false });
    source.publish(ORDERS, { n: 2, text: LONG });
    scheduler.settle();
    expect(sink.types).toEqual(['snapshot', 'snapshot']);
  });
});

describe('a bookmark', () => {
  it('tells an idle client how far the log has moved, once', async () => {
    const feed = feedWith({ bookmarkIntervalMs: 5_000 });
    const { sink } = await connect(feed);
    source.publish(BILLING, { n: 1 });
    source.publish(BILLING, { n: 2 });
    scheduler.settle();
    expect(sink.types).toEqual(['snapshot']);
    scheduler.advance(5_000);
    scheduler.settle();
    scheduler.advance(5_000);
    scheduler.settle();
    expect(sink.sent.slice(1)).toEqual([{ type: 'bookmark', revision: 3 }]);
  });

  it('is not given while a change is on its way', async () => {
    const feed = feedWith({ bookmarkIntervalMs: 5_000 });
    const { sink } = await connect(feed);
    source.publish(ORDERS, { n: 2 }, 'seen');
    source.publish(BILLING, { n: 1 }, 'seen');
    scheduler.advance(5_000);
    scheduler.settle();
    expect(sink.types).toEqual(['snapshot']);
    source.tell();
    scheduler.settle();
    scheduler.advance(5_000);
    scheduler.settle();
    expect(sink.sent.slice(1)).toMatchObject([{ revision: 2 }, { type: 'bookmark', revision: 3 }]);
  });
});

describe('a server that goes away', () => {
  it('asks everyone to move, once, and serves those who have not left yet', async () => {
    const feed = feedWith();
    const { sink } = await connect(feed);
    void feed.drain(5_000);
    scheduler.settle();
    source.publish(ORDERS, { n: 2, text: LONG });
    scheduler.settle();
    expect(sink.sent.slice(1)).toMatchObject([{ type: 'move', withinMs: 4_000 }, { type: 'delta', revision: 2 }]);
    expect(sink.ended).toBeUndefined();
    await expect(connect(feed)).rejects.toMatchObject({ code: 'unavailable' });
  });

  it('is done when the last has left, and counts those who left by themselves', async () => {
    const feed = feedWith();
    const clients = await Promise.all([connect(feed), connect(feed)]);
    let done = false;
    const drained = feed.drain(5_000).then(() => (done = true));
    scheduler.settle();
    clients[0]?.subscription.close();
    await Promise.resolve();
    expect(done).toBe(false);
    clients[1]?.subscription.close();
    await drained;
    expect(feed.counters.moved).toBe(2);
  });

  it('ends the connections of those who stay when the time is over, and not before', async () => {
    const feed = feedWith({ bookmarkIntervalMs: 1_000_000, heartbeatMs: 1_000_000 });
    const { sink } = await connect(feed);
    const drained = feed.drain(5_000);
    scheduler.settle();
    scheduler.advance(4_999);
    await Promise.resolve();
    expect(sink.ended).toBeUndefined();
    scheduler.advance(1);
    await drained;
    expect(sink.ended).toMatchObject({ type: 'closing', retry: true });
    expect(feed.counters.moved).toBe(0);
  });

  it('tells it to a client that takes nothing at the moment when it takes something again, behind what is due', async () => {
    const feed = feedWith();
    const { sink, subscription } = await connect(feed);
    sink.room = 0;
    source.publish(ORDERS, { n: 2, text: LONG });
    void feed.drain(5_000);
    scheduler.settle();
    sink.room = Infinity;
    subscription.flush();
    expect(sink.types).toEqual(['snapshot', 'delta', 'move']);
  });

  it('waits for nobody when nobody is there', async () => {
    const feed = feedWith();
    await feed.drain(5_000);
    expect(scheduler.timers).toBe(2);
  });
});

describe('a delta', () => {
  it('is not looked for at any price', async () => {
    const many = (n: number) => ({ first: n, ...Object.fromEntries(Array.from({ length: 60_000 }, (_, index) => [`key${index}`, index])) });
    source.publish(ORDERS, many(0));
    const feed = feedWith({ largeMessageBytes: 100_000_000 });
    const { sink } = await connect(feed);
    source.publish(ORDERS, many(1));
    scheduler.settle();
    expect(sink.types).toEqual(['snapshot', 'snapshot']);
  });
});

describe('the end of a connection', () => {
  it('comes with its credential\'s revocation, and only to those who were let in by it', async () => {
    const feed = feedWith();
    const revoked = await connect(feed, null, { id: 'revoked' });
    const other = await connect(feed, null, { id: 'other' });
    const opening = await feed.subscribe({ target: ORDERS, since: null, admission: { id: 'revoked' } });
    feed.revoke((id) => id !== 'revoked');
    expect(revoked.sink.ended).toMatchObject({ type: 'closing', code: 'unauthenticated', retry: false });
    expect(other.sink.ended).toBeUndefined();
    const late = new RecordingSink();
    opening.start(late);
    expect(late.ended).toMatchObject({ code: 'unauthenticated' });
    expect(late.sent).toEqual([]);
  });

  it('comes before it has begun when the credential is revoked while the snapshot is made', async () => {
    const feed = feedWith();
    source.beforeRead = () => feed.revoke((id) => id !== 'revoked');
    await expect(connect(feed, null, { id: 'revoked' })).rejects.toMatchObject({ code: 'unauthenticated' });
    expect((await connect(feed, null, { id: 'other' })).sink.ended).toBeUndefined();
  });

  it('comes with the secret that opened it, while another of the same credential goes on', async () => {
    const feed = feedWith();
    const connection = async (hash: string, expiresAt?: Date): Promise<RecordingSink> => {
      const sink = new RecordingSink();
      (await feed.subscribe({ target: ORDERS, since: null, admission: { id: 'rotated', hash, ...(expiresAt && { expiresAt }) } })).start(sink);
      return sink;
    };
    const [leaked, expiring, current] = [await connection('leaked'), await connection('expiring', new Date('2027-01-01T00:01:00Z')), await connection('current')];
    feed.revoke((hash) => hash !== 'leaked');
    expect([leaked.ended?.type, expiring.ended, current.ended]).toEqual(['closing', undefined, undefined]);
    now = new Date('2027-01-01T00:01:00Z');
    scheduler.advance(1_000);
    expect([expiring.ended?.type, current.ended]).toEqual(['closing', undefined]);
  });

  it('comes when its credential expires', async () => {
    const feed = feedWith();
    const { sink } = await connect(feed, null, { expiresAt: new Date('2027-01-01T00:01:00Z') });
    scheduler.advance(59_000);
    expect(sink.ended).toBeUndefined();
    now = new Date('2027-01-01T00:01:00Z');
    scheduler.advance(1_000);
    expect(sink.ended).toMatchObject({ code: 'unauthenticated', retry: false });
  });

  it('comes to all at once when the server has no time left; nobody is let in then', async () => {
    const feed = feedWith();
    const clients = await Promise.all([connect(feed), connect(feed)]);
    await feed.drain(0);
    for (const { sink } of clients) expect(sink.ended).toMatchObject({ type: 'closing', code: 'unavailable', retry: true });
    await expect(connect(feed)).rejects.toMatchObject({ code: 'unavailable' });
  });

  it('is final: nothing is sent after it', async () => {
    const feed = feedWith();
    const { sink, subscription } = await connect(feed);
    subscription.close();
    source.publish(ORDERS, { n: 2 });
    scheduler.settle();
    subscription.flush();
    await feed.resubscribe(subscription as Subscription, null);
    expect(sink.sent).toHaveLength(1);
  });

  it('lets go of the snapshot a while after the last client has left', async () => {
    const feed = feedWith({ bookmarkIntervalMs: 5_000 });
    const { subscription } = await connect(feed);
    subscription.close();
    scheduler.advance(5_000);
    expect(source.watching).toBe(1);
    scheduler.advance(60_000);
    expect(source.watching).toBe(0);
    expect((await connect(feed)).sink.types).toEqual(['snapshot']);
  });

  it('leaves neither a timer nor a watch behind', async () => {
    const feed = feedWith();
    await connect(feed);
    feed.close();
    expect(scheduler.timers).toBe(0);
    expect(source.watching).toBe(0);
  });
});
