import { Global, Module } from '@nestjs/common';
import { ReleasesModule } from '../releases/releases.module';
import { LogOrigin } from './log-origin';
import { SNAPSHOT_ORIGIN } from './snapshot-origin';

/** Global, because snapshots ask for their origin by a token and must not know which it is. */
@Global()
@Module({
  imports: [ReleasesModule],
  providers: [{ provide: SNAPSHOT_ORIGIN, useClass: LogOrigin }],
  exports: [SNAPSHOT_ORIGIN],
})
export class LogOriginModule {}
