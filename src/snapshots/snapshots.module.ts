import { Module } from '@nestjs/common';
import { DeliveredSnapshots } from './delivered-snapshots';
import { SnapshotStore } from './snapshot-store';

@Module({ providers: [DeliveredSnapshots, SnapshotStore], exports: [DeliveredSnapshots, SnapshotStore] })
export class SnapshotsModule {}
