import { Module } from '@nestjs/common';
import { CREDENTIAL_STORE, type CredentialStore } from '../access/credential-store';
import { Catalog } from '../catalog/catalog';
import { CatalogModule } from '../catalog/catalog.module';
import { InstanceTable } from '../instances/instance-table';
import { InstancesModule } from '../instances/instances.module';
import { LogListener } from '../notify/log-listener';
import { NotifyModule } from '../notify/notify.module';
import { HeadIndex } from '../releases/head-index';
import { ReleasesModule } from '../releases/releases.module';
import { ReplicaTable } from '../replicas/replica-table';
import { ReplicasModule } from '../replicas/replicas.module';
import { DATA_KEY_STORE, type DataKeyStore } from '../secrets/data-key-store';
import { SnapshotStore } from '../snapshots/snapshot-store';
import { SnapshotsModule } from '../snapshots/snapshots.module';
import type { Sources } from './distribution';
import { DistributionMetrics } from './distribution-metrics';
import { Distributor, SOURCES } from './distributor';

@Module({
  imports: [CatalogModule, InstancesModule, NotifyModule, ReleasesModule, ReplicasModule, SnapshotsModule],
  providers: [
    DistributionMetrics,
    Distributor,
    {
      provide: SOURCES,
      inject: [HeadIndex, SnapshotStore, Catalog, CREDENTIAL_STORE, DATA_KEY_STORE, LogListener, ReplicaTable, InstanceTable],
      useFactory: (
        heads: HeadIndex,
        snapshots: SnapshotStore,
        catalog: Catalog,
        credentials: CredentialStore,
        dataKeys: DataKeyStore,
        log: LogListener,
        leases: ReplicaTable,
        instances: InstanceTable,
      ): Sources => ({ heads, snapshots, catalog, credentials, dataKeys, log, leases, instances }),
    },
  ],
  exports: [Distributor],
})
export class DistributionModule {}
