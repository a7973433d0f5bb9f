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
import { DeliveryTrace } from './tracing/delivery-trace';
import { PublishTrace } from './tracing/publish-trace';
import { RequestTrace } from './tracing/request-trace';
import { TracingModule } from './tracing/tracing.module';

/** What a replica measures about itself. Whatever else wants to be measured takes the {@link Registry}. */
@Global()
@Module({
  imports: [FeedModule, NotifyModule, SnapshotsModule, TracingModule],
  providers: [
    { provide: Registry, useFactory: () => new Registry() },
    DatabaseMetrics,
    DeliveryMetrics,
    DeliveryTrace,
    FeedMetrics,
    HttpMetrics,
    LogMetrics,
    ProcessMetrics,
    PublishMetrics,
    PublishTrace,
    RequestTrace,
    RevisionTimes,
    SnapshotMetrics,
  ],
  exports: [Registry, RevisionTimes],
})
export class TelemetryModule {}
