import { Global, Module } from '@nestjs/common';
import { CREDENTIAL_STORE, LINEAGES, type Lineages } from '../access/credential-store';
import { DATA_KEY_STORE } from '../secrets/data-key-store';
import { COPIED_STATE_SOURCE } from '../snapshots/copied-state-source';
import { SNAPSHOT_ORIGIN } from '../snapshots/snapshot-origin';
import { Edge } from './edge';
import { EdgeState } from './edge-state';

/** Global, because access and snapshots ask for where things come from by tokens, and must not know that this is an edge. */
@Global()
@Module({
  providers: [
    Edge,
    { provide: COPIED_STATE_SOURCE, useClass: EdgeState },
    { provide: SNAPSHOT_ORIGIN, inject: [Edge], useFactory: ({ origin }: Edge) => origin },
    { provide: DATA_KEY_STORE, inject: [Edge], useFactory: ({ dataKeys }: Edge) => dataKeys },
    { provide: CREDENTIAL_STORE, inject: [Edge], useFactory: ({ credentials }: Edge) => credentials },
    {
      provide: LINEAGES,
      inject: [Edge],
      useFactory: (edge: Edge): Lineages => ({ of: (environment) => edge.lineage(environment), read: (environment) => Promise.resolve(edge.lineage(environment)) }),
    },
  ],
  exports: [Edge, COPIED_STATE_SOURCE, SNAPSHOT_ORIGIN, CREDENTIAL_STORE, DATA_KEY_STORE, LINEAGES],
})
export class EdgeModule {}
