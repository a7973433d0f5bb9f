import { Module } from '@nestjs/common';
import { SnapshotCopy } from './snapshot-copy';
import { SnapshotsModule } from './snapshots.module';

/** Apart from the snapshots, so that it ends before they do and what is known is on disk then. */
@Module({ imports: [SnapshotsModule], providers: [SnapshotCopy] })
export class SnapshotCopyModule {}
