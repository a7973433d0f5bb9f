import { Global, Module } from '@nestjs/common';
import { CREDENTIAL_STORE, READ_LINEAGE, type ReadLineage } from '../access/credential-store';
import { SNAPSHOT_ORIGIN } from '../snapshots/snapshot-origin';
import { Edge } from './edge';

/** Global, because access and snapshots ask for where things come from by tokens, and must not know that this is an edge. */
@Global()
@Module({
  providers: [
    Edge,
    { provide: SNAPSHOT_ORIGIN, inject: [Edge], useFactory: ({ origin }: Edge) => origin },
    { provide: CREDENTIAL_STORE, inject: [Edge], useFactory: ({ credentials }: Edge) => credentials },
    { provide: READ_LINEAGE, inject: [Edge], useFactory: (edge: Edge): ReadLineage => (environment) => Promise.resolve(edge.lineage(environment)) },
  ],
  exports: [Edge, SNAPSHOT_ORIGIN, CREDENTIAL_STORE, READ_LINEAGE],
})
export class EdgeModule {}
