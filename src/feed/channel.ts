import type { ReadTarget } from '../snapshots/delivered-snapshots';
import { deltaBetween, type DeltaBase } from './delta';
import { EncodedMessage } from './encoded-message';
import type { FeedSnapshot } from './snapshot-source';
import type { Since, Subscription } from './subscription';

const WHOLE = '';
/** Of earlier snapshots kept, but for the one before the current, which is kept whatever its size. */
const EARLIER_BYTES = 32 * 1024 * 1024;

/** What a delta is made from; not the snapshot, whose ready bytes nobody will ask for again. */
interface Earlier extends DeltaBase {
  readonly bytes: number;
}

/** What a channel knows of the world around it. */
export interface ChannelLog {
  /** How many earlier snapshots are remembered to make deltas from. */
  readonly deltaHistory: number;
  /** The log revision as of which the channel's snapshot is the newest; 0 while it may not be. */
  settled(channel: Channel): number;
  now(): number;
}

/**
 * One snapshot and everyone who follows it. Each message is made once for all who stand at the same place: the whole
 * snapshot, the delta from each earlier one that is still remembered, the bookmark.
 */
export class Channel {
  readonly members = new Set<Subscription>();
  private readonly earlier = new Map<string, Earlier>();
  private readonly changes = new Map<string, EncodedMessage>();
  private answer: EncodedMessage | undefined;
  private bookmark: EncodedMessage | undefined;
  /** When the last member left. */
  emptySince: number | undefined;

  constructor(
    readonly target: ReadTarget,
    private snapshot: FeedSnapshot,
    private readonly log: ChannelLog,
  ) {
    this.emptySince = log.now();
  }

  get current(): FeedSnapshot {
    return this.snapshot;
  }

  enter(member: Subscription): void {
    this.members.add(member);
    this.emptySince = undefined;
  }

  leave(member: Subscription): void {
    if (this.members.delete(member) && this.members.size === 0) this.emptySince = this.log.now();
  }

  /** Takes a snapshot that the log has moved to. False if it is not news: the same content, or older than what is here. */
  advance(next: FeedSnapshot): boolean {
    const { snapshot } = this;
    if (next === snapshot || next.revision < snapshot.revision) return false;
    this.snapshot = next;
    this.answer = undefined;
    this.changes.clear();
    if (next.etag === snapshot.etag) return false;
    this.bookmark = undefined;
    this.earlier.delete(next.etag);
    this.remember(snapshot);
    return true;
  }

  /** Prepares the bookmark, if the log has moved without touching the snapshot. False if it has not. */
  mark(): boolean {
    const revision = this.log.settled(this);
    const { etag } = this.snapshot;
    if (revision <= (this.bookmark?.position?.revision ?? this.snapshot.revision)) return false;
    this.bookmark = new EncodedMessage({ type: 'bookmark', revision }, { revision, etag });
    return true;
  }

  /** Exactly one of: you are current, a delta, the whole. */
  answerTo(since: Since | null, deltas: boolean): EncodedMessage {
    if (since === null) return this.changeFrom(undefined, false);
    const isCurrent = since.etag === undefined ? this.snapshot.revision <= since.revision : since.etag === this.snapshot.etag;
    return isCurrent ? this.currentAt(since.revision) : this.changeFrom(since.etag, deltas);
  }

  /** What a client that stands there is still to get: a change, a bookmark, or nothing. */
  nextAfter(known: Since, deltas: boolean): EncodedMessage | undefined {
    if (known.etag !== this.snapshot.etag) return this.changeFrom(known.etag, deltas);
    const marked = this.bookmark?.position?.revision ?? 0;
    return marked > known.revision ? this.bookmark : undefined;
  }

  private remember({ etag, documents, body }: FeedSnapshot): void {
    this.earlier.delete(etag);
    this.earlier.set(etag, { etag, documents, bytes: body.length });
    let bytes = [...this.earlier.values()].reduce((sum, earlier) => sum + earlier.bytes, 0);
    for (const [oldest, earlier] of this.earlier) {
      if (this.earlier.size <= this.log.deltaHistory && (bytes <= EARLIER_BYTES || this.earlier.size === 1)) break;
      this.earlier.delete(oldest);
      bytes -= earlier.bytes;
    }
  }

  /** The log is at least where the client is (the feed has seen to that), so its own revision may be repeated to it. */
  private currentAt(atLeast: number): EncodedMessage {
    const revision = Math.max(atLeast, this.log.settled(this), this.snapshot.revision);
    if (this.answer?.position?.revision !== revision) {
      this.answer = new EncodedMessage({ type: 'current', revision }, { revision, etag: this.snapshot.etag });
    }
    return this.answer as EncodedMessage;
  }

  private changeFrom(etag: string | undefined, deltas: boolean): EncodedMessage {
    const base = deltas && etag !== undefined ? this.earlier.get(etag) : undefined;
    const key = base?.etag ?? WHOLE;
    let change = this.changes.get(key);
    if (change === undefined) {
      change = (base && this.deltaFrom(base)) ?? this.whole();
      this.changes.set(key, change);
    }
    return change;
  }

  private deltaFrom(base: DeltaBase): EncodedMessage | undefined {
    const made = deltaBetween(base, this.snapshot);
    return made && new EncodedMessage(made.delta, this.positionOf(this.snapshot), this.snapshot, made.json);
  }

  private whole(): EncodedMessage {
    const known = this.changes.get(WHOLE);
    if (known !== undefined) return known;
    const { revision, etag, layers, documents, notes } = this.snapshot;
    const whole = new EncodedMessage({ type: 'snapshot', revision, etag, layers, documents, ...notes }, this.positionOf(this.snapshot), this.snapshot);
    this.changes.set(WHOLE, whole);
    return whole;
  }

  private positionOf({ revision, etag }: FeedSnapshot) {
    return { revision, etag };
  }
}
