import { type BeforeApplicationShutdown, Logger, Module, type OnApplicationBootstrap } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { version } from '../../package.json';
import { FeedModule } from '../feed/feed.module';
import { CLOCK, type Clock } from '../kernel/clock';
import { NotifyModule } from '../notify/notify.module';
import { SETTINGS, type Settings } from '../settings/settings';
import { SnapshotsModule } from '../snapshots/snapshots.module';
import { LeaseKeeper } from './lease-keeper';
import { OwnStatus } from './own-status';
import { ReplicaTable } from './replica-table';
import { Replicas } from './replicas';
import { ReplicasController } from './replicas.controller';

@Module({
  imports: [FeedModule, NotifyModule, SnapshotsModule],
  controllers: [ReplicasController],
  providers: [
    OwnStatus,
    Replicas,
    ReplicaTable,
    {
      provide: LeaseKeeper,
      inject: [ReplicaTable, OwnStatus, SETTINGS, CLOCK],
      useFactory: (book: ReplicaTable, own: OwnStatus, { replica: { leaseMs } }: Settings, clock: Clock) => {
        const logger = new Logger(LeaseKeeper.name);
        const identity = { id: randomUUID(), kind: 'replica' as const, host: hostname(), pid: process.pid, version, startedAt: clock.now() };
        const onFailure = (error: unknown): void => logger.warn(`The lease of this replica could not be renewed: ${String(error)} Trying again.`);
        return new LeaseKeeper({ book, identity, status: () => own.read(), leaseMs, onFailure });
      },
    },
  ],
  exports: [LeaseKeeper, ReplicaTable],
})
export class ReplicasModule implements OnApplicationBootstrap, BeforeApplicationShutdown {
  constructor(private readonly keeper: LeaseKeeper) {}

  /** Nothing waits for it: a process that starts without the database serves all the same. */
  onApplicationBootstrap(): void {
    this.keeper.start();
  }

  /** After the feed has said good-bye, and before the pool is closed. */
  beforeApplicationShutdown(): Promise<void> {
    return this.keeper.stop();
  }
}
