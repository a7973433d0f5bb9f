import { applyPatch, etagOf, type Documents, type FeedMessage, type JsonValue } from '@trimtab/client/protocol';
import fc from 'fast-check';
import { checkHistory, type ClientEvent } from '../../test/support/feed-checker';
import { systemClock } from '../kernel/clock';
import { defaultSettings } from '../settings/default-settings';
import { Feed } from './feed';
import type { Subscription } from './subscription';
import { FakeSource } from './testing/fake-source';
import { ManualScheduler } from './testing/manual-scheduler';
import { RecordingSink } from './testing/recording-sink';

const ORDERS = { service: 'orders', environment: 'production' };
const BILLING = { service: 'billing', environment: 'production' };
const LONG = 'a text that is long enough for a delta to be worth it, and then some more of it';
const CLIENTS = 4;

/** A client that applies what it gets as the protocol says, and writes down what it sees. */
class Client {
  private documents: Documents = {};
  private etag: string | undefined;
  private revision = 0;
  private sink = new RecordingSink();
  subscription: Subscription | undefined;
  room = Infinity;
  /** Grows at each connection and disconnection; an answer to an older one comes too late. */
  private life = 0;

  constructor(
    private readonly feed: Feed,
    private readonly name: string,
    private readonly events: ClientEvent[],
  ) {}

  get since() {
    return this.etag === undefined ? null : { revision: this.revision, etag: this.etag };
  }

  async connect(): Promise<void> {
    this.disconnect();
    const { life, since } = this;
    const subscription = await this.feed.subscribe({ target: ORDERS, since, admission: { id: this.name } });
    if (life !== this.life) return subscription.close();
    this.subscription = subscription;
    this.sink = new RecordingSink();
    this.sink.room = this.room;
    this.sink.onSend = (message) => this.take(message);
    this.note(since);
    subscription.start(this.sink);
  }

  async tellAgain(): Promise<void> {
    if (this.subscription === undefined) return;
    const { since } = this;
    this.note(since);
    await this.feed.resubscribe(this.subscription, since);
  }

  give(room: number): void {
    this.room = this.sink.room = room;
    this.subscription?.flush();
  }

  disconnect(): void {
    this.life += 1;
    this.subscription?.close();
    this.subscription = undefined;
  }

  private note(since: { revision: number; etag: string } | null): void {
    this.events.push({ client: this.name, at: this.events.length, type: 'connected', ...since });
  }

  private take(message: FeedMessage): void {
    const event = { client: this.name, at: this.events.length };
    if (message.type === 'current' || message.type === 'bookmark') {
      this.revision = Math.max(this.revision, message.revision);
      this.events.push({ ...event, type: 'noted', how: message.type, revision: message.revision });
    } else if (message.type === 'snapshot' || message.type === 'delta') {
      const from = message.type === 'delta' ? message.from : undefined;
      if (message.type === 'delta' && from !== this.etag) throw new Error('got a delta from a snapshot it does not have');
      this.documents = message.type === 'delta' ? (applyPatch(this.documents as unknown as JsonValue, message.patch) as unknown as Documents) : message.documents;
      this.etag = etagOf(this.documents as unknown as JsonValue);
      if (this.etag !== message.etag) throw new Error('the content is not what its ETag says');
      this.revision = Math.max(this.revision, message.revision);
      this.events.push({ ...event, type: 'applied', how: message.type, revision: message.revision, etag: message.etag, from });
    }
  }
}

const client = fc.nat(CLIENTS - 1);
const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('publish' as const), value: fc.nat(3), until: fc.constantFrom('written' as const, 'seen' as const, 'told' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('publish elsewhere' as const), until: fc.constantFrom('seen' as const, 'told' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('see' as const, 'tell' as const, 'bookmark' as const) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constantFrom('connect' as const, 'disconnect' as const, 'tell again' as const), client }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('give' as const), client, room: fc.constantFrom(0, 1, 2, Infinity) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constantFrom('turn' as const, 'wait' as const) }) },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

async function play(steps: readonly Step[]): Promise<void> {
  const source = new FakeSource();
  const scheduler = new ManualScheduler();
  const { feed: settings } = defaultSettings({ feed: { deltaHistory: 2, bookmarkIntervalMs: 1_000, heartbeatMs: 1_000_000 } });
  const feed = new Feed(source, settings, scheduler, systemClock);
  const events: ClientEvent[] = [];
  const clients = Array.from({ length: CLIENTS }, (_, index) => new Client(feed, `client-${index}`, events));
  const log: { revision: number; etag: string }[] = [];
  const publish = (value: JsonValue, until: 'written' | 'seen' | 'told') => {
    const { revision, etag } = source.publish(ORDERS, { value, LONG }, until);
    log.push({ revision, etag });
  };
  publish(0, 'told');
  const running: Promise<void>[] = [];
  const mayFail = (work: Promise<void>) => void running.push(work);
  for (const each of steps) {
    const actor = 'client' in each ? (clients[each.client] as Client) : undefined;
    switch (each.do) {
      case 'publish': publish(each.value, each.until); break;
      case 'publish elsewhere': source.publish(BILLING, source.head, each.until); break;
      case 'see': source.see(); break;
      case 'tell': source.tell(); break;
      case 'bookmark': scheduler.advance(1_000); break;
      case 'connect': mayFail(actor!.connect()); break;
      case 'tell again': mayFail(actor!.tellAgain()); break;
      case 'disconnect': actor!.disconnect(); break;
      case 'give': actor!.give(each.room); break;
      case 'turn': scheduler.turn(); break;
      case 'wait': await Promise.resolve(); break;
    }
  }
  source.see();
  source.tell();
  await Promise.all(running);
  for (const each of clients) each.give(Infinity);
  scheduler.settle();
  scheduler.advance(1_000);
  scheduler.settle();
  expect(feed.pending).toBe(0);
  const settled = clients.flatMap(({ subscription }, index) => (subscription?.closed === false ? [`client-${index}`] : []));
  expect(checkHistory(events, log, settled)).toEqual([]);
}

it('keeps its promises whatever happens in whatever order', async () => {
  await fc.assert(fc.asyncProperty(fc.array(step, { maxLength: 60 }), play), { numRuns: 1_000 });
}, 60_000);
