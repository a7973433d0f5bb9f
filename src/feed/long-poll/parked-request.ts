import type { Position } from '@trimtab/client/protocol';
import { DomainError } from '../../kernel/domain-error';
import type { EncodedMessage } from '../encoded-message';
import type { Exchange } from '../exchange';
import type { FeedSnapshot } from '../snapshot-source';
import type { Sink, Subscription } from '../subscription';

/** How a parked request is answered; there is one for all of them. */
export interface Answers {
  changed(exchange: Exchange, snapshot: FeedSnapshot): void;
  unchanged(exchange: Exchange, position: Position): void;
  refused(exchange: Exchange, error: DomainError): void;
}

/**
 * One long poll: a subscription that ends with the first message that says more than "you are current".
 *
 * States: `waiting` → `answered`.
 */
export class ParkedRequest implements Sink {
  private state: 'waiting' | 'answered' = 'waiting';
  private position: Position | undefined;
  private readonly timer: NodeJS.Timeout;
  onAnswered: () => void = () => undefined;

  constructor(
    private readonly subscription: Subscription,
    private readonly exchange: Exchange,
    private readonly answers: Answers,
    waitMs: number,
  ) {
    this.timer = setTimeout(() => this.timeOut(), waitMs);
  }

  /** It has room for one message, the only one it will ever get. */
  get writable(): boolean {
    return this.state === 'waiting';
  }

  send({ position, snapshot }: EncodedMessage): void {
    this.position = position;
    if (snapshot !== undefined) this.settle(() => this.answers.changed(this.exchange, snapshot));
  }

  end({ message }: EncodedMessage): void {
    if (message.type !== 'closing') return;
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

  private timeOut(): void {
    // What is due but was not its turn yet.
    this.subscription.flush();
    const { position } = this;
    if (position !== undefined) this.settle(() => this.answers.unchanged(this.exchange, position));
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
