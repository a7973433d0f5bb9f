import { Module } from '@nestjs/common';
import { NotifyModule } from '../notify/notify.module';
import { SnapshotsModule } from '../snapshots/snapshots.module';
import { HealthController } from './health.controller';
import { Metrics } from './metrics';
import { Readiness } from './readiness';
import { Shutdown } from './shutdown';

@Module({
  imports: [NotifyModule, SnapshotsModule],
  controllers: [HealthController],
  providers: [Metrics, Readiness, Shutdown],
  exports: [Shutdown],
})
export class HealthModule {}
