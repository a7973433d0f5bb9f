import { Global, Module, type NestModule } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { FastifyInstance } from 'fastify';
import { CatalogModule } from '../catalog/catalog.module';
import { NotifyModule } from '../notify/notify.module';
import { ReleasesModule } from '../releases/releases.module';
import { DATA_KEY_STORE } from './data-key-store';
import { DataKeysController } from './data-keys.controller';
import { KeptSeals } from './kept-seals';
import { KeyListing } from './key-listing';
import { KeyRing } from './key-ring';
import { Reveal } from './reveal';
import { RevealRefusals } from './reveal-refusals';
import { SealedChecks } from './sealed-checks';
import { Sealer } from './sealer';
import { SecretsController } from './secrets.controller';
import { StoredDataKeys } from './stored-data-keys';

/** Sealing, revealing, and the keys in the database. Global, because reading asks for the keys by a token. */
@Global()
@Module({
  imports: [CatalogModule, NotifyModule, ReleasesModule],
  controllers: [DataKeysController, SecretsController],
  providers: [{ provide: DATA_KEY_STORE, useClass: StoredDataKeys }, KeptSeals, KeyListing, KeyRing, Reveal, RevealRefusals, SealedChecks, Sealer],
  exports: [DATA_KEY_STORE, KeptSeals, SealedChecks, Sealer],
})
export class SealingModule implements NestModule {
  constructor(
    private readonly refusals: RevealRefusals,
    private readonly adapterHost: HttpAdapterHost,
  ) {}

  /** Nest calls this before it registers any route. */
  configure(): void {
    this.refusals.install(this.adapterHost.httpAdapter.getInstance<FastifyInstance>());
  }
}
