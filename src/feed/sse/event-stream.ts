import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { EncodedMessage } from '../encoded-message';
import type { InstanceHandle } from '../feed-observer';
import type { Sink, Subscription } from '../subscription';
import { eventOf, HEARTBEAT } from './event-format';

/**
 * One response that never ends. After its head, finished events go straight to the TCP socket; the response has no
 * length and no chunks, its end is the end of the connection.
 *
 * States: `open` → `ended`.
 */
export class EventStream implements Sink {
  private state: 'open' | 'ended' = 'open';

  constructor(
    readonly subscription: Subscription,
    private readonly instance: InstanceHandle,
    private readonly response: ServerResponse,
    private readonly tcp: Socket,
  ) {}

  get writable(): boolean {
    return this.state === 'open' && this.tcp.writable && !this.tcp.writableNeedDrain;
  }

  send(message: EncodedMessage): void {
    this.tcp.write(message.as(eventOf));
  }

  /** Something now and then, so that proxies keep the connection and a dead one is found out. */
  beat(): void {
    if (this.writable && this.tcp.writableLength === 0) this.tcp.write(HEARTBEAT);
  }

  end(message: EncodedMessage): void {
    const { writable } = this;
    this.gone();
    if (!writable) {
      this.tcp.destroy();
      return;
    }
    this.tcp.write(message.as(eventOf));
    this.response.end();
  }

  /** The connection is gone. Safe to call more than once. */
  gone(): void {
    if (this.state === 'ended') return;
    this.state = 'ended';
    this.subscription.close();
    this.instance.gone();
  }
}
