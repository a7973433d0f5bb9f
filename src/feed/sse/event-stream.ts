import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { closing, type EncodedMessage } from '../encoded-message';
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
  private leaving: NodeJS.Timeout | undefined;

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
    if (message.message.type === 'move') this.leaveWithin(message.message.withinMs);
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

  /** Those who read streams mostly leave it to a library to connect again, all after the same time: so it is spread here. */
  private leaveWithin(ms: number): void {
    const farewell = closing('unavailable', 'This server is going away; another will take the connection.', true);
    this.leaving = setTimeout(() => this.subscription.end(farewell), Math.random() * ms).unref();
  }

  /** The connection is gone. Safe to call more than once. */
  gone(): void {
    if (this.state === 'ended') return;
    this.state = 'ended';
    clearTimeout(this.leaving);
    this.subscription.close();
    this.instance.gone();
  }
}
