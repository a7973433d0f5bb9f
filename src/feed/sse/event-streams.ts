import { randomUUID } from 'node:crypto';
import type { Socket } from 'node:net';
import type { Settings } from '../../settings/settings';
import { takeOver, type Exchange } from '../exchange';
import type { Feed } from '../feed';
import type { FeedObserver } from '../feed-observer';
import type { FeedScheduler } from '../feed-scheduler';
import { instanceOf } from '../instance-headers';
import { malformed } from '../malformed';
import type { StreamRequest } from '../read/config-routes';
import { EVENT_STREAM_TYPE, sinceOf } from './event-format';
import { EventStream } from './event-stream';

/** Heartbeats are spread over their interval, so that ten thousand of them are not one long turn of the event loop. */
const BEATS = 20;

/** The feed as server-sent events. */
export class EventStreams {
  private readonly streams = new Map<Socket, EventStream>();
  private readonly stop: () => void;
  private readonly onDrain: (this: Socket) => void;
  private readonly onClose: (this: Socket) => void;
  private beat = 0;

  constructor(
    private readonly feed: Feed,
    private readonly observer: FeedObserver,
    scheduler: FeedScheduler,
    settings: Settings['feed'],
  ) {
    const { streams } = this;
    this.onDrain = function (this: Socket) { streams.get(this)?.subscription.flush(); };
    this.onClose = function (this: Socket) {
      const stream = streams.get(this);
      if (stream === undefined) return;
      streams.delete(this);
      feed.counters.connections.sse -= 1;
      stream.gone();
    };
    this.stop = scheduler.every(Math.max(1, settings.heartbeatMs / BEATS), () => this.beatSome());
  }

  async open(exchange: Exchange, { target, admission, query }: StreamRequest): Promise<void> {
    const { request } = exchange;
    if (query.waitMs !== undefined || query.asOf !== undefined || query.revision !== undefined || query.origin) {
      throw malformed('A stream takes no query parameter but "deltas"; it is taken up again with "Last-Event-ID".');
    }
    const since = sinceOf(request.headers['last-event-id']);
    const info = instanceOf(request.raw);
    const subscription = await this.feed.subscribe({ target, since, admission, deltas: query.deltas });
    const { socket } = request.raw;
    if (socket.destroyed) {
      subscription.close();
      return;
    }
    const { response: raw, requestId, common } = takeOver(exchange);
    raw.shouldKeepAlive = false;
    raw.removeHeader('Transfer-Encoding');
    raw.writeHead(200, ['Content-Type', EVENT_STREAM_TYPE, 'Cache-Control', 'no-store', 'X-Accel-Buffering', 'no', 'X-Request-Id', requestId, ...common]);
    raw.flushHeaders();
    const position = since?.etag === undefined ? undefined : { revision: since.revision, etag: since.etag };
    const stream = new EventStream(subscription, this.observer.connected(randomUUID(), target, info, 'sse', position), raw, socket);
    this.follow(socket, stream);
    subscription.start(stream);
  }

  close(): void {
    this.stop();
    for (const socket of [...this.streams.keys()]) socket.destroy();
  }

  private follow(socket: Socket, stream: EventStream): void {
    this.streams.set(socket, stream);
    this.feed.counters.connections.sse += 1;
    socket.setNoDelay(true);
    socket.on('drain', this.onDrain);
    socket.once('close', this.onClose);
  }

  private beatSome(): void {
    this.beat = (this.beat + 1) % BEATS;
    let index = 0;
    for (const stream of this.streams.values()) {
      if (index % BEATS === this.beat) stream.beat();
      index += 1;
    }
  }
}
