import { Global, Module } from '@nestjs/common';
import { SETTINGS, type Settings } from '../settings/settings';
import { DataKeys } from './data-keys';
import { LocalMasterKeys } from './local-master-keys';
import { MASTER_KEYS } from './master-keys';
import { Unsealer } from './unsealer';

/** Reading what is sealed: all that an edge needs. Where the data keys come from is given by others, by a token. */
@Global()
@Module({
  providers: [{ provide: MASTER_KEYS, inject: [SETTINGS], useFactory: ({ secrets }: Settings) => LocalMasterKeys.from(secrets) }, DataKeys, Unsealer],
  exports: [MASTER_KEYS, DataKeys, Unsealer],
})
export class SecretsModule {}
