import { type DynamicModule, Module } from '@nestjs/common';
import { AccessModule } from './access/access.module';
import { CopyModule } from './copy/copy.module';
import { EdgeHealthModule } from './edge/edge-health.module';
import { EdgeInstancesModule } from './edge/edge-instances.module';
import { EdgeModule } from './edge/edge.module';
import { FeedModule } from './feed/feed.module';
import { ClockModule } from './kernel/clock.module';
import { SecretsModule } from './secrets/secrets.module';
import type { Settings } from './settings/settings';
import { SettingsModule } from './settings/settings.module';
import { SnapshotCopyModule } from './snapshots/snapshot-copy.module';
import { SnapshotsModule } from './snapshots/snapshots.module';

/** An edge: the feed, and what it needs, over what NATS has distributed. Nothing here knows of a database. */
@Module({})
export class EdgeAppModule {
  static with(settings: Settings): DynamicModule {
    return {
      module: EdgeAppModule,
      imports: [ClockModule, SettingsModule.with(settings), CopyModule, EdgeModule, EdgeInstancesModule, AccessModule, SecretsModule, SnapshotsModule, SnapshotCopyModule, FeedModule, EdgeHealthModule],
    };
  }
}
