import { type BeforeApplicationShutdown, Global, Logger, Module } from '@nestjs/common';
import { CatalogModule } from '../catalog/catalog.module';
import { INSTANCE_COUNTER } from '../changes/impact';
import { FEED_OBSERVER } from '../feed/feed-observer';
import { LeaseKeeper } from '../replicas/lease-keeper';
import { ReplicasModule } from '../replicas/replicas.module';
import { SETTINGS, type Settings } from '../settings/settings';
import { SnapshotsModule } from '../snapshots/snapshots.module';
import { AffectedTargets } from './affected-targets';
import { Census } from './census';
import { Convergence } from './convergence';
import { ConvergenceController } from './convergence.controller';
import { InstanceDirectory } from './instance-directory';
import { InstanceFlusher } from './instance-flusher';
import { InstanceRegistry } from './instance-registry';
import { InstanceTable } from './instance-table';
import { InstancesController } from './instances.controller';

/** Global, because the folders below ask for instances by tokens of their own and must not know this one. */
@Global()
@Module({
  imports: [CatalogModule, ReplicasModule, SnapshotsModule],
  controllers: [ConvergenceController, InstancesController],
  providers: [
    AffectedTargets,
    Census,
    Convergence,
    InstanceDirectory,
    InstanceRegistry,
    InstanceTable,
    {
      provide: InstanceFlusher,
      inject: [InstanceRegistry, InstanceTable, LeaseKeeper, SETTINGS],
      useFactory: (registry: InstanceRegistry, writer: InstanceTable, leases: LeaseKeeper, { instances, replica }: Settings) => {
        const logger = new Logger(InstanceFlusher.name);
        const onFailure = (error: unknown): void => logger.warn(`Instances could not be written and are written again: ${String(error)}`);
        return new InstanceFlusher({ registry, writer, leases, intervalMs: instances.flushIntervalMs, timeLimitMs: replica.leaseMs, onFailure });
      },
    },
    { provide: INSTANCE_COUNTER, useExisting: Census },
    { provide: FEED_OBSERVER, useExisting: InstanceRegistry },
  ],
  exports: [INSTANCE_COUNTER, FEED_OBSERVER, InstanceRegistry, InstanceTable],
})
export class InstancesModule implements BeforeApplicationShutdown {
  constructor(
    private readonly flusher: InstanceFlusher,
    private readonly registry: InstanceRegistry,
  ) {}

  async beforeApplicationShutdown(): Promise<void> {
    this.registry.close();
    await this.flusher.stop();
  }
}
