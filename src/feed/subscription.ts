import type { Channel } from './channel';
import type { EncodedMessage } from './encoded-message';
import type { FeedCounters } from './feed-counters';
import type { LargeLane } from './large-lane';

/** Where a client says it stands. Without an ETag the revision alone decides. */
export interface Since {
  readonly revision: number;
  readonly etag?: string;
}

/** The end of a connection that the feed writes to. */
export interface Sink {
  /** False while the connection takes nothing more; when it does again, it calls {@link Subscription.flush}. */
  readonly writable: boolean;
  /** When the message will be ready to be sent, if it is not yet. */
  prepare?(message: EncodedMessage): Promise<void> | undefined;
  send(message: EncodedMessage): void;
  /** Tells the client why, if the connection still takes it, and ends the connection. */
  end(message: EncodedMessage): void;
}

/** What subscriptions share. */
export interface SubscriptionHost {
  readonly counters: FeedCounters;
  /** Through it goes every message of this many bytes or more. */
  readonly lane: LargeLane<Subscription>;
  readonly largeMessageBytes: number;
  /** What every client is to be told beside the feed: that it is to move. */
  readonly notice: EncodedMessage | undefined;
  now(): number;
  /** Has everyone on the channel flushed soon. */
  again(channel: Channel): void;
  left(subscription: Subscription): void;
}

/**
 * One client of one channel.
 *
 * States: `opening` (nothing may be sent: the log may be behind the client, or the connection is not up yet) → `owing`
 * (the next message is the answer to where the client stands) → `live` (the next message is the next change). A client
 * that tells its position again goes back to `opening`. Every state → `closed`, which is final.
 *
 * What a client has still to get is never stored. It follows, when the connection can take it, from what the client
 * has (`known`) and what the channel has then: so there is at most one pending message, always the newest. A large one
 * is sent when the lane calls, and is what is due at that moment. A notice is told once, and not before the answer.
 */
export class Subscription {
  private state: 'opening' | 'owing' | 'live' | 'closed' = 'opening';
  private sink: Sink | undefined;
  private farewell: EncodedMessage | undefined;
  private stalledAt: number | undefined;
  private told: EncodedMessage | undefined;

  constructor(
    readonly channel: Channel,
    private known: Since | null,
    private readonly host: SubscriptionHost,
    /** Hash of the secret that let it in. */
    readonly admittedBy: string,
    private readonly deltas: boolean,
  ) {}

  /** The connection is up: answers it. A subscription that was closed meanwhile ends it. */
  start(sink: Sink): void {
    if (this.state === 'closed') {
      if (this.farewell !== undefined) sink.end(this.farewell);
      return;
    }
    this.sink = sink;
    this.state = 'owing';
    this.flush();
  }

  /** The client has told its position again. Nothing is sent until {@link proceed}. */
  reposition(since: Since | null): void {
    if (this.state === 'closed') return;
    this.known = since;
    this.state = 'opening';
  }

  /** The log has caught up with `since`; nothing happens if the client has moved on to another position. */
  proceed(since: Since | null): void {
    if (this.state !== 'opening' || this.known !== since || this.sink === undefined) return;
    this.state = 'owing';
    this.flush();
  }

  /** Sends what is due, if anything is and the connection takes it. Safe to call at any time. */
  flush(): void {
    const { sink, host } = this;
    if (sink?.writable === true) host.lane.taken(this);
    const due = this.due();
    if (due === undefined) host.lane.leave(this);
    const message = due ?? this.notice();
    if (message === undefined || sink === undefined) {
      this.stalledAt = undefined;
      return;
    }
    if (!sink.writable) {
      this.stalledAt ??= host.now();
      return;
    }
    this.stalledAt = undefined;
    const preparing = sink.prepare?.(message);
    if (preparing !== undefined) {
      void preparing.then(() => host.again(this.channel));
      return;
    }
    if (message.bytes >= host.largeMessageBytes && !host.lane.enter(this)) return;
    host.counters.sent[message.message.type] += 1;
    if (message === due) this.advance(due);
    else this.told = message;
    sink.send(message);
    if (sink.writable) host.lane.taken(this);
    // A notice comes right behind what was due.
    if (message === due && this.notice() !== undefined) this.flush();
  }

  /** Ends the connection with this message. */
  end(message: EncodedMessage): void {
    if (this.state === 'closed') return;
    const { sink } = this;
    this.farewell = message;
    this.close();
    if (sink === undefined) return;
    this.host.counters.sent.closing += 1;
    sink.end(message);
  }

  /** The connection is gone, or wants no more. */
  close(): void {
    if (this.state === 'closed') return;
    this.state = 'closed';
    this.sink = undefined;
    this.host.lane.leave(this);
    this.channel.leave(this);
    this.host.left(this);
  }

  get closed(): boolean {
    return this.state === 'closed';
  }

  /** It was the client that ended the connection. */
  get leftByItself(): boolean {
    return this.state === 'closed' && this.farewell === undefined;
  }

  /** Something is due that has not been sent. */
  get pending(): boolean {
    return this.due() !== undefined;
  }

  /** Since when the connection has not taken what is due. */
  get stalledSince(): number | undefined {
    return this.stalledAt;
  }

  private advance({ position }: EncodedMessage): void {
    this.known = position as Since;
    this.state = 'live';
  }

  private notice(): EncodedMessage | undefined {
    return this.state === 'live' && this.told !== this.host.notice ? this.host.notice : undefined;
  }

  private due(): EncodedMessage | undefined {
    if (this.state === 'owing') return this.channel.answerTo(this.known, this.deltas);
    if (this.state !== 'live' || this.known === null) return undefined;
    return this.channel.nextAfter(this.known, this.deltas);
  }
}
