import { Global, Module } from '@nestjs/common';
import { NotifyModule } from '../notify/notify.module';
import { AccessModule } from './access.module';
import { ClientKeysController } from './client-keys.controller';
import { CREDENTIAL_STORE } from './credential-store';
import { CredentialsService } from './credentials.service';
import { StoredCredentials } from './stored-credentials';
import { TokensController } from './tokens.controller';

/** Global, because whoever authenticates asks for the credentials by a token and must not know where they are kept. */
@Global()
@Module({
  imports: [AccessModule, NotifyModule],
  controllers: [TokensController, ClientKeysController],
  providers: [CredentialsService, { provide: CREDENTIAL_STORE, useClass: StoredCredentials }],
  exports: [CREDENTIAL_STORE],
})
export class CredentialsModule {}
