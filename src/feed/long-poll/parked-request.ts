import type { Position } from '@trimtab/client/protocol';
import { DomainError } from '../../kernel/domain-error';
import type { EncodedMessage } from '../encoded-message';
import type { Exchange } from '../exchange';
import type { FeedSnapshot } from '../snapshot-source';
import type { Sink, Subscription } from '../subscription';

/** What parked requests share: how they are answered, and when. */
export interface Answers {
  /** Calls `done` when the answer is written, or the connection is gone. */
  changed(exchange: Exchange, snapshot: FeedSnapshot, done: () => void): void;
  unchanged(exchange: Exchange, position: Position): void;
  refused(exchange: Exchange, error: DomainError): void;
  /** Runs the task soon: thousands of polls that were parked together time out together. */
  soon(task: () => void): void;
  random(): number;
}

/**
 * One long poll: a subscription that ends with the first message that says more than "you are current".
 *
 * States: `waiting` → `answering` (the snapshot is being written, which for a large one takes its time) → `answered`;
 * `waiting` → `answered`.
 */
export class ParkedRequest implements Sink {
  private state: 'waiting' | 'answering' | 'answered' = 'waiting';
  private position: Position | undefined;
  private readonly endsAt: number;
  private timer: NodeJS.Timeout;
  onAnswered: () => void = () => undefined;

  constructor(
    private readonly subscription: Subscription,
    private readonly exchange: Exchange,
    private readonly answers: Answers,
    waitMs: number,
  ) {
    this.endsAt = performance.now() + waitMs;
    this.timer = this.timeOutIn(waitMs);
  }

  /** It has room for one message, the only one it will ever get. */
  get writable(): boolean {
    return this.state === 'waiting';
  }

  send({ message, position, snapshot }: EncodedMessage): void {
    if (message.type === 'move') return this.hurry(message.withinMs);
    this.position = position;
    if (snapshot === undefined) return;
    this.state = 'answering';
    clearTimeout(this.timer);
    this.answers.changed(this.exchange, snapshot, () => this.settle(() => undefined));
  }

  end({ message }: EncodedMessage): void {
    if (message.type !== 'closing') return;
    if (this.state === 'answering') {
      // What is not written yet will be; what has been and is not taken never will.
      if (this.exchange.reply.raw.writableEnded) this.exchange.request.raw.socket.destroy();
      return;
    }
    const { code, detail, retry } = message;
    const { position } = this;
    this.settle(() => {
      if (retry && position !== undefined) this.answers.unchanged(this.exchange, position);
      else this.answers.refused(this.exchange, new DomainError(code === 'unauthenticated' ? code : 'unavailable', detail));
    });
  }

  /** The client has hung up. */
  gone(): void {
    this.settle(() => undefined);
  }

  /** Ends its waiting at a random moment within this time, if it would have waited longer. */
  private hurry(withinMs: number): void {
    clearTimeout(this.timer);
    this.timer = this.timeOutIn(Math.min(this.endsAt - performance.now(), this.answers.random() * withinMs));
  }

  private timeOutIn(ms: number): NodeJS.Timeout {
    return setTimeout(() => this.answers.soon(() => this.timeOut()), ms);
  }

  private timeOut(): void {
    if (this.state !== 'waiting') return;
    // What is due but was not its turn yet.
    this.subscription.flush();
    const { position } = this;
    if (this.writable && position !== undefined) this.settle(() => this.answers.unchanged(this.exchange, position));
  }

  private settle(answer: () => void): void {
    if (this.state === 'answered') return;
    this.state = 'answered';
    clearTimeout(this.timer);
    this.subscription.close();
    this.onAnswered();
    answer();
  }
}
