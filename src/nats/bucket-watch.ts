import { Logger } from '@nestjs/common';
import { AckPolicy, DeliverPolicy, JetStreamApiError, type JetStreamManager } from '@nats-io/jetstream';
import { createInbox, nanos, type Msg, type MsgHdrs, type NatsConnection } from '@nats-io/transport-node';
import { setTimeout as sleep } from 'node:timers/promises';
import { ENTRY_HEADER, OPERATION_HEADER, type Bucket } from './bucket';
import { STATE_KEYS } from './entries';
import type { NatsLink } from './nats-link';

/** What is known of a key from one message. */
export interface BucketEntry {
  readonly key: string;
  readonly sequence: number;
  readonly deleted: boolean;
  /** The parsed entry; undefined when the key was deleted. */
  readonly value: unknown;
  /** Whether nothing was waiting behind it when the server sent it. */
  readonly newest: boolean;
}

export interface WatchListener {
  /** What follows is everything there is, from the beginning, until {@link caughtUp}. `rolledBack`: not only was the watch interrupted, the bucket has lost what it had. */
  restarted(rolledBack: boolean): void;
  entry(entry: BucketEntry): void;
  /** Everything that there was at the beginning of this attempt has been seen. */
  caughtUp(): void;
}

const HEARTBEAT_MS = 1_000;
/** A consumer that is silent for longer is gone: its server was restarted, or the network lets nothing through. */
const MAX_SILENCE_MS = 3_500;
/** The server forgets a consumer that nobody has listened to for this long. */
const FORGOTTEN_AFTER_MS = 10_000;
const RETRY_MS = 100;
const MAX_RETRY_MS = 2_000;

const FLOW_CONTROL = 'FlowControl Request';
const STALLED = 'Nats-Consumer-Stalled';
const LAST_DELIVERED = 'Nats-Last-Consumer';

/** What the bucket was when it was read last. */
interface Memory {
  readonly created: string;
  readonly generation: string | undefined;
  sequence: number;
}

/**
 * Follows every key under `state` in the order in which they were written, without the contents, for as long as the
 * process lives. After an interruption it goes on behind the last message it has seen; when the bucket is another one
 * than it was, or has lost its end, it reads everything again.
 *
 * States: `interrupted` → `reading` (until caught up) → `live`; `reading`, `live` → `interrupted`; any → `stopped`.
 */
export class BucketWatch {
  private readonly logger = new Logger(BucketWatch.name);
  private readonly stopping = new AbortController();
  private readonly running: Promise<void>;
  private memory: Memory | undefined;
  private state: 'interrupted' | 'reading' | 'live' | 'stopped' = 'interrupted';

  constructor(
    private readonly link: NatsLink,
    private readonly bucket: Bucket,
    private readonly listener: WatchListener,
    /** Done before every attempt: whoever fills the bucket makes it first. */
    private readonly prepare: () => Promise<void> = () => Promise.resolve(),
  ) {
    this.running = this.run();
  }

  /** Whether what is written to the bucket is seen here at once. */
  get live(): boolean {
    return this.state === 'live' && this.link.connected;
  }

  async stop(): Promise<void> {
    this.state = 'stopped';
    this.stopping.abort();
    await this.running;
  }

  private get stopped(): boolean {
    return this.stopping.signal.aborted;
  }

  private async run(): Promise<void> {
    for (let attempt = 0; !this.stopped; ) {
      await this.link.up(this.stopping.signal);
      try {
        await this.follow(() => (attempt = 0));
      } catch (error) {
        if (attempt === 3 && !this.stopped) this.logger.warn(`The bucket ${this.bucket.name} cannot be read: ${reasonOf(error)} Trying again.`);
      }
      if (!this.stopped) this.state = 'interrupted';
      const wait = Math.random() * Math.min(MAX_RETRY_MS, RETRY_MS * 2 ** Math.min(attempt++, 10));
      await sleep(wait, undefined, { signal: this.stopping.signal }).catch(() => undefined);
    }
  }

  /** One consumer, from its making until something is wrong with it. Always ends by throwing or because we stop. */
  private async follow(onProven: () => void): Promise<void> {
    const { nc, jsm } = await this.bucket.use();
    await this.prepare();
    const memory = await this.remember();
    let interrupt: (error: Error) => void = () => undefined;
    const interrupted = new Promise<never>((_, reject) => (interrupt = reject));
    interrupted.catch(() => undefined);
    let heardAt = performance.now();
    const consumer = new Consumer(this.bucket, {
      heard: () => (heardAt = performance.now()),
      lost: interrupt,
      entry: (entry) => {
        memory.sequence = entry.sequence;
        // What is neither deleted nor of ours, somebody has written by hand.
        if (entry.deleted || entry.value !== undefined) this.listener.entry(entry);
        if (entry.newest) this.caughtUp();
      },
    });
    const stopListening = this.link.onChange(() => {
      if (!this.link.connected) interrupt(new Error('The connection was lost.'));
    });
    const stop = (): void => interrupt(new Error('Stopped.'));
    this.stopping.signal.addEventListener('abort', stop, { once: true });
    const timer = setInterval(() => {
      if (performance.now() - heardAt > MAX_SILENCE_MS) interrupt(new Error('Nothing was heard for too long.'));
    }, HEARTBEAT_MS);
    try {
      if (this.stopped) return;
      this.state = 'reading';
      const waiting = await Promise.race([consumer.start(nc, jsm, memory.sequence), interrupted]);
      onProven();
      if (waiting === 0) this.caughtUp();
      await interrupted;
    } finally {
      clearInterval(timer);
      stopListening();
      this.stopping.signal.removeEventListener('abort', stop);
      consumer.stop();
    }
  }

  private caughtUp(): void {
    if (this.state !== 'reading') return;
    this.state = 'live';
    this.listener.caughtUp();
  }

  private async remember(): Promise<Memory> {
    const [{ created, lastSequence }, generation] = await Promise.all([this.bucket.facts(), this.bucket.generation()]);
    const known = this.memory;
    const rolledBack = known !== undefined && (created !== known.created || lastSequence < known.sequence);
    if (known !== undefined && !rolledBack && generation === known.generation) return known;
    this.memory = { created, generation, sequence: 0 };
    this.listener.restarted(rolledBack);
    return this.memory;
  }
}

interface ConsumerEvents {
  heard(): void;
  lost(error: Error): void;
  entry(entry: BucketEntry): void;
}

/** One consumer on the server, that sends as soon as something is written, and whose gaps are noticed here. */
class Consumer {
  private readonly inbox = createInbox();
  private stopListening: () => void = () => undefined;
  private connection: NatsConnection | undefined;
  private delivered = 0;

  constructor(
    private readonly bucket: Bucket,
    private readonly events: ConsumerEvents,
  ) {}

  /** Sends everything after the sequence; from the beginning only the newest of each key. Returns how many were waiting. */
  async start(nc: NatsConnection, jsm: JetStreamManager, after: number): Promise<number> {
    this.connection = nc;
    const subscription = nc.subscribe(this.inbox, {
      callback: (error, message) => {
        if (error) this.events.lost(error);
        else this.take(message);
      },
    });
    this.stopListening = () => subscription.unsubscribe();
    const info = await jsm.consumers.add(this.bucket.stream, {
      deliver_subject: this.inbox,
      filter_subject: this.bucket.subject(STATE_KEYS),
      headers_only: true,
      ack_policy: AckPolicy.None,
      max_deliver: 1,
      flow_control: true,
      idle_heartbeat: nanos(HEARTBEAT_MS),
      inactive_threshold: nanos(FORGOTTEN_AFTER_MS),
      mem_storage: true,
      num_replicas: 1,
      ...(after === 0 ? { deliver_policy: DeliverPolicy.LastPerSubject } : { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: after + 1 }),
    });
    // What was already sent to the inbox by now is counted among the waiting, or not: it says so itself.
    return info.num_pending + info.delivered.consumer_seq;
  }

  stop(): void {
    this.stopListening();
  }

  private take(message: Msg): void {
    this.events.heard();
    const { headers } = message;
    if (headers?.code === 100) return this.answerStatus(message, headers);
    if (headers !== undefined && headers.code >= 400) return this.events.lost(new Error(headers.description));
    const { sequence, delivered, pending } = positionOf(message.reply ?? '');
    if (delivered !== this.delivered + 1) return this.events.lost(new Error('A message was lost on the way.'));
    this.delivered = delivered;
    const deleted = (headers?.get(OPERATION_HEADER) ?? '') !== '';
    const value = deleted ? undefined : parsed(headers?.get(ENTRY_HEADER) ?? '');
    this.events.entry({ key: this.bucket.keyOf(message.subject), sequence, deleted, value, newest: pending === 0 });
  }

  private answerStatus(message: Msg, headers: MsgHdrs): void {
    if (headers.description.startsWith(FLOW_CONTROL)) message.respond();
    const stalled = headers.get(STALLED);
    if (stalled !== '') this.connection?.publish(stalled);
    if (Number(headers.get(LAST_DELIVERED)) > this.delivered) this.events.lost(new Error('A message was lost on the way.'));
  }
}

/** From the subject that an acknowledgement would go to: `$JS.ACK.[<domain>.<account>.]<stream>.<consumer>.<times>.<stream sequence>.<consumer sequence>.<time>.<pending>[.<random>]`. */
function positionOf(reply: string): { sequence: number; delivered: number; pending: number } {
  const tokens = reply.split('.');
  const first = tokens.length === 9 ? 4 : 6;
  return { sequence: Number(tokens[first + 1]), delivered: Number(tokens[first + 2]), pending: Number(tokens[first + 4]) };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function reasonOf(error: unknown): string {
  if (error instanceof JetStreamApiError) return `${error.message}.`;
  return error instanceof Error ? error.message : String(error);
}
