import { Global, Module, type OnApplicationShutdown } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { DiskCopy } from '../copy/disk-copy';
import { SETTINGS, type Settings } from '../settings/settings';
import { DatabaseOpening } from './database-opening';

/**
 * Gives everyone the {@link DataSource}, and closes it after the last of them has stopped. It is connected and migrated
 * before anything else is built, unless the database is away and there is a disk copy to serve from meanwhile.
 */
@Global()
@Module({
  providers: [
    {
      provide: DatabaseOpening,
      inject: [SETTINGS, DiskCopy],
      useFactory: (settings: Settings, copy: DiskCopy) => DatabaseOpening.begin(settings, copy.state !== undefined),
    },
    { provide: DataSource, inject: [DatabaseOpening], useFactory: ({ dataSource }: DatabaseOpening) => dataSource },
  ],
  exports: [DatabaseOpening, DataSource],
})
export class DatabaseModule implements OnApplicationShutdown {
  constructor(private readonly opening: DatabaseOpening) {}

  async onApplicationShutdown(): Promise<void> {
    await this.opening.close();
  }
}
