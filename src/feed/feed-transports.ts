import type { FastifyInstance } from 'fastify';
import type { Server } from 'node:http';
import type { Settings } from '../settings/settings';
import { AdmissionQueue } from './admission-queue';
import type { Door } from './door';
import type { Exchange } from './exchange';
import type { Feed } from './feed';
import type { FeedObserver } from './feed-observer';
import type { FeedScheduler } from './feed-scheduler';
import { LongPolls } from './long-poll/long-polls';
import { ConfigRoutes } from './read/config-routes';
import { SnapshotAnswers } from './read/snapshot-answers';
import { WarmReads } from './read/warm-reads';
import type { ReadAccess } from './read-access';
import type { SnapshotSource } from './snapshot-source';
import { SocketIoServer } from './socket-io/socket-io-server';
import { UpgradeGate } from './socket-io/upgrade-gate';
import { EventStreams } from './sse/event-streams';

export interface FeedParts {
  readonly feed: Feed;
  readonly source: SnapshotSource;
  readonly access: ReadAccess;
  readonly observer: FeedObserver;
  readonly scheduler: FeedScheduler;
  readonly settings: Settings['feed'];
  readonly door: Door;
}

/** All transports over one feed, on one HTTP server. */
export class FeedTransports {
  private readonly admissions: AdmissionQueue;
  private readonly sockets: SocketIoServer;
  private readonly streams: EventStreams;
  private readonly routes: ConfigRoutes;
  private readonly warmReads: WarmReads;

  constructor({ feed, source, access, observer, scheduler, settings, door }: FeedParts) {
    this.admissions = new AdmissionQueue(scheduler, feed.counters, settings);
    this.sockets = new SocketIoServer(feed, access, observer, new UpgradeGate(this.admissions, door), settings);
    this.streams = new EventStreams(feed, observer, scheduler, settings);
    const answers = new SnapshotAnswers();
    const polls = new LongPolls({ feed, observer, scheduler, settings }, answers);
    this.warmReads = new WarmReads(source, access, answers, door.common.dataPairs);
    const admitted = <T>({ request }: Exchange, work: () => Promise<T>) => this.admissions.through(request.raw.socket, work);
    this.routes = new ConfigRoutes(source, feed, access, answers, {
      events: (exchange, request) => admitted(exchange, () => this.streams.open(exchange, request)),
      wait: (exchange, request) => {
        const park = () => polls.park(exchange, request);
        return source.peek(request.target) === undefined ? admitted(exchange, park) : park();
      },
      cold: (exchange, target) => admitted(exchange, () => source.get(target)),
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
    this.admissions.close();
    this.sockets.close();
    this.streams.close();
  }
}
