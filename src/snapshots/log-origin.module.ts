import { Global, Module } from '@nestjs/common';
import { AccessModule } from '../access/access.module';
import { CatalogModule } from '../catalog/catalog.module';
import { ReleasesModule } from '../releases/releases.module';
import { COPIED_STATE_SOURCE } from './copied-state-source';
import { LogOrigin } from './log-origin';
import { LogState } from './log-state';
import { SNAPSHOT_ORIGIN } from './snapshot-origin';

/** Global, because snapshots ask for their origin by a token and must not know which it is. */
@Global()
@Module({
  imports: [AccessModule, CatalogModule, ReleasesModule],
  providers: [
    { provide: SNAPSHOT_ORIGIN, useClass: LogOrigin },
    { provide: COPIED_STATE_SOURCE, useClass: LogState },
  ],
  exports: [COPIED_STATE_SOURCE, SNAPSHOT_ORIGIN],
})
export class LogOriginModule {}
