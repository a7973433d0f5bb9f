import type { Clock } from '../kernel/clock';
import { DomainError } from '../kernel/domain-error';
import type { LayerName } from '../kernel/names';
import type { Settings } from '../settings/settings';
import type { ReadTarget } from '../snapshots/delivered-snapshots';
import type { Channel } from './channel';
import { Channels } from './channels';
import { CredentialWatch, REVOKED, type Admission } from './credential-watch';
import { closing, moveNotice, type EncodedMessage } from './encoded-message';
import { FanOut } from './fan-out';
import { FeedCounters } from './feed-counters';
import type { FeedScheduler } from './feed-scheduler';
import { LargeLane } from './large-lane';
import type { SnapshotSource } from './snapshot-source';
import { Subscription, type Since, type SubscriptionHost } from './subscription';

export interface SubscribeRequest {
  readonly target: ReadTarget;
  readonly since: Since | null;
  readonly admission: Admission;
  /** False for a client that cannot apply a patch. */
  readonly deltas?: boolean;
}

/** How often credentials are looked at for having expired. */
const EXPIRY_INTERVAL_MS = 1_000;

/**
 * The one machine under all transports.
 *
 * States: `open` → `draining` (everybody is asked to move to another process, is served until then, and nobody is let
 * in; then who has stayed is disconnected) → `closed`.
 */
export class Feed {
  readonly counters = new FeedCounters();
  private state: 'open' | 'draining' | 'closed' = 'open';
  private readonly channels: Channels;
  private readonly fanOut: FanOut;
  private readonly credentials: CredentialWatch;
  private readonly lane: LargeLane<Subscription>;
  private readonly host: SubscriptionHost & { notice: EncodedMessage | undefined };
  private readonly stops: (() => void)[];
  private subscriptions = 0;
  private drained: Promise<void> | undefined;
  private onEmpty: () => void = () => undefined;

  constructor(
    private readonly source: SnapshotSource,
    private readonly settings: Settings['feed'],
    private readonly scheduler: FeedScheduler,
    clock: Clock,
  ) {
    const now = () => scheduler.now();
    const log = { deltaHistory: settings.deltaHistory, settled: (channel: Channel) => this.settled(channel), now };
    this.fanOut = new FanOut(scheduler, settings.sliceMs, this.counters);
    this.channels = new Channels(source, log, (channel) => this.fanOut.add(channel));
    this.credentials = new CredentialWatch(clock);
    this.lane = new LargeLane(scheduler, settings.sliceMs, this.counters);
    this.host = {
      counters: this.counters,
      lane: this.lane,
      largeMessageBytes: settings.largeMessageBytes,
      notice: undefined,
      now,
      again: (channel) => this.fanOut.add(channel),
      left: (subscription) => this.left(subscription),
    };
    this.stops = [
      scheduler.every(settings.bookmarkIntervalMs, () => this.tidy()),
      scheduler.every(EXPIRY_INTERVAL_MS, () => this.credentials.expire()),
    ];
  }

  /**
   * Lets a client in. It is a member of its channel from here on, so whatever changes is compared with what it has
   * once its connection is up and {@link Subscription.start} is called. Rejects with the reason it cannot be let in.
   */
  async subscribe({ target, since, admission, deltas = true }: SubscribeRequest): Promise<Subscription> {
    this.refuseUnlessOpen();
    const isStillAllowed = this.credentials.arrival(admission, target);
    const channel = await this.channels.open(target);
    const subscription = new Subscription(channel, since, this.host, admission.hash ?? admission.id, deltas);
    channel.enter(subscription);
    this.subscriptions += 1;
    this.credentials.add(admission, subscription);
    try {
      if (!isStillAllowed()) throw new DomainError('unauthenticated', REVOKED);
      await this.catchUp(channel, since);
      this.refuseUnlessOpen();
    } catch (error) {
      subscription.close();
      throw error;
    }
    return subscription;
  }

  /** The client has told its position again. */
  async resubscribe(subscription: Subscription, since: Since | null): Promise<void> {
    subscription.reposition(since);
    try {
      await this.catchUp(subscription.channel, since);
      subscription.proceed(since);
    } catch (error) {
      const { code, message } = error instanceof DomainError ? error : new DomainError('unavailable', 'The log cannot be read right now.');
      subscription.end(closing(code, message, true, this.settings.bookmarkIntervalMs));
    }
  }

  /** Waits until this process has seen that much of the log. */
  async reach(revision: number): Promise<void> {
    if (revision <= this.source.position) return;
    await this.source.reach(revision);
    if (revision > this.source.position) {
      throw new DomainError('unavailable', `The log has not reached revision ${revision}, which the client has seen.`);
    }
  }

  /** Ends the connections whose credential does not let them read their target any more. */
  revoke(stillAllowed: (admittedBy: string, target: LayerName) => boolean): void {
    this.credentials.revoke(stillAllowed);
  }

  /** Clients that have not got the newest yet. */
  get pending(): number {
    let pending = 0;
    for (const { members } of this.channels) for (const member of members) if (member.pending) pending += 1;
    return pending;
  }

  /**
   * Lets nobody in, asks everyone to move within `withinMs`, serves those who have not left yet, and ends the
   * connections of those who stay longer. Resolves when nobody is left.
   */
  drain(withinMs: number): Promise<void> {
    this.drained ??= this.empty(withinMs);
    return this.drained;
  }

  close(): void {
    if (this.state === 'closed') return;
    this.state = 'closed';
    for (const stop of this.stops) stop();
    this.lane.close();
    this.channels.close();
  }

  private async empty(withinMs: number): Promise<void> {
    if (this.state !== 'open') return;
    this.state = 'draining';
    if (withinMs > 0 && this.subscriptions > 0) {
      this.host.notice = moveNotice(withinMs);
      for (const channel of this.channels) this.fanOut.add(channel);
      await new Promise<void>((resolve) => {
        const stop = this.scheduler.after(withinMs, resolve);
        this.onEmpty = () => {
          stop();
          resolve();
        };
      });
    }
    await this.endAll(closing('unavailable', 'This server is going away; another will take the connection.', true));
  }

  private async endAll(farewell: EncodedMessage): Promise<void> {
    let start = this.scheduler.now();
    for (const { members } of [...this.channels]) {
      for (const member of [...members]) {
        member.end(farewell);
        if (this.scheduler.now() - start < this.settings.sliceMs) continue;
        await new Promise<void>((resolve) => this.scheduler.soon(resolve));
        start = this.scheduler.now();
      }
    }
  }

  private left(subscription: Subscription): void {
    this.credentials.delete(subscription);
    this.subscriptions -= 1;
    if (this.host.notice !== undefined && subscription.leftByItself) this.counters.moved += 1;
    if (this.subscriptions === 0) this.onEmpty();
  }

  private refuseUnlessOpen(): void {
    if (this.state !== 'open') throw new DomainError('unavailable', 'This server is going away. Connect again.');
  }

  /**
   * Brings the channel to where the log is, and the log to where the client is. The client is a member already, so
   * nothing is lost between this reading of the head and the comparison. What the source has handed out may be older
   * than what its log knows; only what it still calls fresh is the newest.
   */
  private async catchUp(channel: Channel, since: Since | null): Promise<void> {
    if (since !== null) await this.reach(since.revision);
    const { target } = channel;
    channel.advance(this.source.peek(target) ?? (await this.source.get(target)));
  }

  private settled({ target, current }: Channel): number {
    return this.source.peek(target)?.etag === current.etag ? this.source.position : 0;
  }

  private tidy(): void {
    for (const channel of this.channels) if (channel.mark()) this.fanOut.add(channel);
    this.endStuck();
    this.channels.prune();
  }

  private endStuck(): void {
    const longAgo = this.scheduler.now() - 2 * this.settings.heartbeatMs;
    const reason = closing('unavailable', 'The connection took nothing for too long.', true, this.settings.bookmarkIntervalMs);
    for (const { members } of this.channels) {
      for (const member of [...members]) {
        if (member.stalledSince === undefined || member.stalledSince > longAgo) continue;
        this.counters.stuck += 1;
        member.end(reason);
      }
    }
  }
}
