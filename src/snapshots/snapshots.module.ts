import { Module } from '@nestjs/common';
import { ReleasesModule } from '../releases/releases.module';
import { SnapshotStore } from './snapshot-store';

@Module({ imports: [ReleasesModule], providers: [SnapshotStore], exports: [SnapshotStore] })
export class SnapshotsModule {}
