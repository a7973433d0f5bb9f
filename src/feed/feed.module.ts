import { Module, type MiddlewareConsumer, type NestModule, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { FastifyInstance } from 'fastify';
import type { Server } from 'node:http';
import { AccessModule } from '../access/access.module';
import { Authenticator } from '../access/authenticator';
import { Authorities } from '../access/authorities';
import { RateLimits } from '../http/rate-limit/rate-limits';
import { CLOCK, type Clock } from '../kernel/clock';
import { SETTINGS, type Settings } from '../settings/settings';
import { DeliveredSnapshots } from '../snapshots/delivered-snapshots';
import { SnapshotsModule } from '../snapshots/snapshots.module';
import { Door } from './door';
import { Feed } from './feed';
import { FEED_OBSERVER, noObserver, type FeedObserver } from './feed-observer';
import { eventLoopScheduler } from './feed-scheduler';
import { FeedTransports } from './feed-transports';
import { ReadAccess } from './read-access';
import { ReportHub } from './report-hub';

@Module({
  imports: [AccessModule, SnapshotsModule],
  providers: [
    {
      provide: Feed,
      inject: [DeliveredSnapshots, SETTINGS, CLOCK],
      useFactory: (source: DeliveredSnapshots, settings: Settings, clock: Clock) => new Feed(source, settings.feed, eventLoopScheduler, clock),
    },
    {
      provide: ReadAccess,
      inject: [Authenticator, Authorities, RateLimits],
      useFactory: (authenticator: Authenticator, authorities: Authorities, limits: RateLimits) => new ReadAccess(authenticator, authorities, limits),
    },
    {
      provide: Door,
      inject: [SETTINGS, RateLimits],
      useFactory: (settings: Settings, limits: RateLimits) => new Door(settings, limits),
    },
    {
      provide: ReportHub,
      inject: [{ token: FEED_OBSERVER, optional: true }],
      useFactory: (observer: FeedObserver = noObserver) => new ReportHub(observer),
    },
    {
      provide: FeedTransports,
      inject: [Feed, DeliveredSnapshots, ReadAccess, Door, SETTINGS, ReportHub],
      useFactory: (feed: Feed, source: DeliveredSnapshots, access: ReadAccess, door: Door, settings: Settings, observer: ReportHub) =>
        new FeedTransports({ feed, source, access, observer, scheduler: eventLoopScheduler, settings: settings.feed, door }),
    },
  ],
  exports: [Feed, ReportHub],
})
export class FeedModule implements NestModule, OnModuleInit, OnModuleDestroy {
  private stopHearing: () => void = () => undefined;

  constructor(
    private readonly feed: Feed,
    private readonly transports: FeedTransports,
    private readonly authenticator: Authenticator,
    private readonly access: ReadAccess,
    private readonly adapterHost: HttpAdapterHost,
  ) {}

  configure(_consumer: MiddlewareConsumer): void {
    this.transports.register(this.adapterHost.httpAdapter.getInstance<FastifyInstance>());
  }

  onModuleInit(): void {
    this.transports.attach(this.adapterHost.httpAdapter.getHttpServer() as Server);
    this.stopHearing = this.authenticator.onChange((current) =>
      this.feed.revoke((admittedBy, target) => {
        const credential = current(admittedBy);
        return credential !== undefined && this.access.allows(credential, target);
      }),
    );
  }

  async onModuleDestroy(): Promise<void> {
    this.stopHearing();
    // Whoever wants them asked to move first has done so before.
    await this.feed.drain(0);
    this.transports.close();
    this.feed.close();
  }
}
