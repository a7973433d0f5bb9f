import type { FeedMessage } from '@trimtab/client/protocol';
import type { EncodedMessage } from '../encoded-message';
import type { Sink } from '../subscription';

/** A connection that keeps what it was sent, and takes as much as it is told to. */
export class RecordingSink implements Sink {
  readonly sent: FeedMessage[] = [];
  readonly encoded: EncodedMessage[] = [];
  ended: FeedMessage | undefined;
  /** How many more messages the connection takes. */
  room = Infinity;
  onSend: (message: FeedMessage) => void = () => undefined;

  get writable(): boolean {
    return this.room > 0;
  }

  send(message: EncodedMessage): void {
    this.room -= 1;
    this.encoded.push(message);
    this.sent.push(message.message);
    this.onSend(message.message);
  }

  end(message: EncodedMessage): void {
    this.ended = message.message;
  }

  get types(): string[] {
    return this.sent.map(({ type }) => type);
  }
}
