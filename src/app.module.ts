import { type DynamicModule, Module } from '@nestjs/common';
import { AccessModule } from './access/access.module';
import { CredentialsModule } from './access/credentials.module';
import { AuditModule } from './audit/audit.module';
import { CatalogModule } from './catalog/catalog.module';
import { ChangesModule } from './changes/changes.module';
import { CopyModule } from './copy/copy.module';
import { DatabaseModule } from './database/database.module';
import { DistributionModule } from './distribution/distribution.module';
import { FeedModule } from './feed/feed.module';
import { HealthModule } from './health/health.module';
import { HttpModule } from './http/http.module';
import { ImportsModule } from './imports/imports.module';
import { InstancesModule } from './instances/instances.module';
import { ClockModule } from './kernel/clock.module';
import { PeopleModule } from './people/people.module';
import { RecoveryModule } from './recovery/recovery.module';
import { ReleasesModule } from './releases/releases.module';
import { ReplicasModule } from './replicas/replicas.module';
import { ReviewModule } from './review/review.module';
import { SealingModule } from './secrets/sealing.module';
import { SecretsModule } from './secrets/secrets.module';
import type { Settings } from './settings/settings';
import { SettingsModule } from './settings/settings.module';
import { LogOriginModule } from './snapshots/log-origin.module';
import { SnapshotCopyModule } from './snapshots/snapshot-copy.module';
import { SnapshotsModule } from './snapshots/snapshots.module';
import { TelemetryModule } from './telemetry/telemetry.module';

/** The whole server, in the order of the boundaries: each may use what stands above it. */
@Module({})
export class AppModule {
  static with(settings: Settings): DynamicModule {
    return {
      module: AppModule,
      imports: [
        ClockModule,
        SettingsModule.with(settings),
        CopyModule,
        DatabaseModule,
        AccessModule,
        CredentialsModule,
        AuditModule,
        PeopleModule,
        CatalogModule,
        ReleasesModule,
        RecoveryModule,
        SecretsModule,
        SealingModule,
        ChangesModule,
        ReviewModule,
        ImportsModule,
        LogOriginModule,
        SnapshotsModule,
        SnapshotCopyModule,
        FeedModule,
        ReplicasModule,
        InstancesModule,
        DistributionModule,
        HttpModule,
        TelemetryModule,
        HealthModule,
      ],
    };
  }
}
