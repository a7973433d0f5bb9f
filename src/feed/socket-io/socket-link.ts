import type { Socket as NetSocket } from 'node:net';
import type { Report } from '@trimtab/client/protocol';
import type { Socket } from 'socket.io';
import { conceal } from '../conceal';
import { closing, type EncodedMessage } from '../encoded-message';
import type { FeedCounters } from '../feed-counters';
import type { InstanceHandle } from '../feed-observer';
import type { Sink, Subscription } from '../subscription';
import { compressedFrameOf, frameOf } from './frame';

/** Whole snapshots from this size on are sent compressed. What changes often, and is small, is not. */
const MIN_COMPRESSED_BYTES = 4 * 1024;
/** How long a client whose message could not be understood is asked to stay away. */
const MALFORMED_PAUSE_MS = 5_000;

/**
 * One socket.io connection as the feed sees it.
 *
 * States: `joining` (let in; the Socket.IO connection is not up) → `greeting` (its first message goes through
 * Engine.IO's own queue, behind the packets of the handshake that may still be in it) → `direct` (finished frames go
 * straight to the TCP socket, which costs half of what the layers above it do) → `gone`.
 */
export class SocketLink implements Sink {
  private state: 'joining' | 'greeting' | 'direct' | 'gone' = 'joining';
  private socket: Socket | undefined;
  private tcp: NetSocket | undefined;
  private instance: InstanceHandle | undefined;
  private greeted = false;
  private inflates = false;

  constructor(
    readonly subscription: Subscription,
    private readonly counters: FeedCounters,
  ) {}

  open(socket: Socket, tcp: NetSocket, instance: InstanceHandle): void {
    if (this.state !== 'joining') return;
    this.inflates = takesCompressed(socket);
    this.socket = socket;
    this.tcp = tcp;
    this.instance = instance;
    this.state = 'greeting';
    this.counters.connections['socket.io'] += 1;
    this.subscription.start(this);
  }

  get writable(): boolean {
    if (this.state === 'greeting') return !this.greeted;
    return this.state === 'direct' && this.tcp !== undefined && takesMore(this.tcp);
  }

  prepare(message: EncodedMessage): Promise<void> | undefined {
    if (!this.inflates || message.message.type !== 'snapshot' || message.bytes < MIN_COMPRESSED_BYTES) return undefined;
    return message.made(compressedFrameOf) === undefined ? message.make(compressedFrameOf) : undefined;
  }

  send(message: EncodedMessage): void {
    const frame = (this.inflates ? message.made(compressedFrameOf) : undefined) ?? message.as(frameOf);
    if (this.state === 'direct') {
      this.tcp?.write(frame);
      return;
    }
    this.greeted = true;
    this.socket?.conn.write('', queued(frame), () => {
      if (this.state !== 'greeting') return;
      this.state = 'direct';
      this.subscription.flush();
    });
  }

  end(message: EncodedMessage): void {
    const { socket, tcp, state } = this;
    const writable = tcp !== undefined && takesMore(tcp);
    this.gone();
    if (socket === undefined || tcp === undefined) return;
    if (!writable) {
      // It has taken nothing for a while: a farewell would only wait behind what it has not taken.
      tcp.destroy();
      return;
    }
    if (state === 'direct') tcp.write(message.as(frameOf));
    else socket.conn.write('', queued(message.as(frameOf)));
    socket.disconnect(true);
  }

  report(report: Report): void {
    const { current } = this.subscription.channel;
    this.instance?.report(report.state === 'refused' ? { ...report, reason: conceal(report.reason, current) } : report);
  }

  /** The client has sent what it must not send. */
  refuse(detail: string): void {
    this.subscription.end(closing('malformed_request', detail, true, MALFORMED_PAUSE_MS));
  }

  drained(): void {
    if (this.state === 'direct') this.subscription.flush();
  }

  /** The connection is gone. Safe to call more than once. */
  gone(): void {
    if (this.state === 'gone') return;
    if (this.state !== 'joining') this.counters.connections['socket.io'] -= 1;
    this.state = 'gone';
    this.subscription.close();
    this.instance?.gone();
    this.socket = this.tcp = this.instance = undefined;
  }
}

/** Neither full nor ended from the other side. */
function takesMore({ writable, writableNeedDrain }: NetSocket): boolean {
  return writable && !writableNeedDrain;
}

/** Engine.IO writes a finished frame instead of encoding the packet once more. */
function queued(frame: Buffer): { compress: false } {
  const options = { compress: false as const, wsPreEncodedFrame: [frame] };
  return options;
}

/** The client has agreed to permessage-deflate, and not asked for a smaller window than everybody else's. */
function takesCompressed({ conn }: Socket): boolean {
  const { socket } = conn.transport as unknown as { readonly socket?: { readonly _extensions?: Extensions } };
  const agreed = socket?._extensions?.['permessage-deflate'];
  return agreed !== undefined && agreed.params?.server_max_window_bits === undefined;
}

type Extensions = Readonly<Record<string, { readonly params?: { readonly server_max_window_bits?: number } } | undefined>>;
