import { Global, Module, type OnApplicationShutdown } from '@nestjs/common';
import { SETTINGS, type Settings } from '../settings/settings';
import { DiskCopy } from './disk-copy';

/** Gives everyone the {@link DiskCopy}, open before anything else is built. Without a folder in the settings it is one that keeps nothing. */
@Global()
@Module({
  providers: [{ provide: DiskCopy, inject: [SETTINGS], useFactory: ({ copy }: Settings) => new DiskCopy(copy) }],
  exports: [DiskCopy],
})
export class CopyModule implements OnApplicationShutdown {
  constructor(private readonly copy: DiskCopy) {}

  onApplicationShutdown(): void {
    this.copy.close();
  }
}
