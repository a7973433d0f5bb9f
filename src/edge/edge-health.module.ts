import { Module } from '@nestjs/common';
import { Registry } from 'prom-client';
import { FeedModule } from '../feed/feed.module';
import { Shutdown } from '../health/shutdown';
import { SnapshotsModule } from '../snapshots/snapshots.module';
import { FeedMetrics } from '../telemetry/feed-metrics';
import { HttpMetrics } from '../telemetry/http-metrics';
import { ProcessMetrics } from '../telemetry/process-metrics';
import { SnapshotMetrics } from '../telemetry/snapshot-metrics';
import { EdgeHealthController } from './edge-health.controller';
import { EdgeMetrics } from './edge-metrics';
import { EdgeReadiness } from './edge-readiness';

@Module({
  imports: [FeedModule, SnapshotsModule],
  controllers: [EdgeHealthController],
  providers: [{ provide: Registry, useFactory: () => new Registry() }, EdgeMetrics, EdgeReadiness, FeedMetrics, HttpMetrics, ProcessMetrics, Shutdown, SnapshotMetrics],
})
export class EdgeHealthModule {}
