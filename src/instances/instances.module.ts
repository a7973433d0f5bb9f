import { Global, Module } from '@nestjs/common';
import { INSTANCE_COUNTER } from '../changes/impact';
import { FEED_OBSERVER } from '../feed/feed-observer';

import { InstanceRegistry } from './instance-registry';
import { InstancesController } from './instances.controller';

/** Global, because the folders below ask for instances by tokens of their own and must not know this one. */
@Global()
@Module({
  controllers: [InstancesController],
  providers: [
    InstanceRegistry,
    { provide: INSTANCE_COUNTER, useExisting: InstanceRegistry },
    { provide: FEED_OBSERVER, useExisting: InstanceRegistry },
  ],
  exports: [INSTANCE_COUNTER, FEED_OBSERVER, InstanceRegistry],
})
export class InstancesModule {}
