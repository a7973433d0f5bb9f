import { Global, Module } from '@nestjs/common';
import { Registry } from 'prom-client';
import { FeedModule } from '../feed/feed.module';
import { NotifyModule } from '../notify/notify.module';
import { SnapshotsModule } from '../snapshots/snapshots.module';
import { DatabaseMetrics } from './database-metrics';
import { DeliveryMetrics } from './delivery-metrics';
import { FeedMetrics } from './feed-metrics';
import { HttpMetrics } from './http-metrics';
import { LogMetrics } from './log-metrics';
import { ProcessMetrics } from './process-metrics';
import { PublishMetrics } from './publish-metrics';
import { RevisionTimes } from './revision-times';
import { SnapshotMetrics } from './snapshot-metrics';

/** What a replica measures about itself. Whatever else wants to be measured takes the {@link Registry}. */
@Global()
@Module({
  imports: [FeedModule, NotifyModule, SnapshotsModule],
  providers: [
    { provide: Registry, useFactory: () => new Registry() },
    DatabaseMetrics,
    DeliveryMetrics,
    FeedMetrics,
    HttpMetrics,
    LogMetrics,
    ProcessMetrics,
    PublishMetrics,
    RevisionTimes,
    SnapshotMetrics,
  ],
  exports: [Registry, RevisionTimes],
})
export class TelemetryModule {}
