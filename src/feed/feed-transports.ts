import type { FastifyInstance } from 'fastify';
import type { Server } from 'node:http';
import type { Settings } from '../settings/settings';
import type { Feed } from './feed';
import type { FeedObserver } from './feed-observer';
import type { FeedScheduler } from './feed-scheduler';
import { LongPolls } from './long-poll/long-polls';
import { ConfigRoutes } from './read/config-routes';
import { WarmReads } from './read/warm-reads';
import type { ReadAccess } from './read-access';
import type { SnapshotSource } from './snapshot-source';
import { SocketIoServer } from './socket-io/socket-io-server';
import { EventStreams } from './sse/event-streams';

export interface FeedParts {
  readonly feed: Feed;
  readonly source: SnapshotSource;
  readonly access: ReadAccess;
  readonly observer: FeedObserver;
  readonly scheduler: FeedScheduler;
  readonly settings: Settings['feed'];
}

/** All transports over one feed, on one HTTP server. */
export class FeedTransports {
  private readonly sockets: SocketIoServer;
  private readonly streams: EventStreams;
  private readonly routes: ConfigRoutes;
  private readonly warmReads: WarmReads;

  constructor({ feed, source, access, observer, scheduler, settings }: FeedParts) {
    this.sockets = new SocketIoServer(feed, access, observer, settings);
    this.streams = new EventStreams(feed, observer, scheduler, settings);
    const polls = new LongPolls(feed, observer, settings.maxWaitMs);
    this.warmReads = new WarmReads(source, access);
    this.routes = new ConfigRoutes(source, feed, access, {
      events: (exchange, request) => this.streams.open(exchange, request),
      wait: (exchange, request) => polls.park(exchange, request),
    });
  }

  /** Before any route is served. */
  register(fastify: FastifyInstance): void {
    this.routes.register(fastify);
  }

  attach(server: Server): void {
    this.sockets.attach(server);
    this.warmReads.attach(server);
  }

  close(): void {
    this.sockets.close();
    this.streams.close();
  }
}
