import { Global, Module } from '@nestjs/common';
import { NotifyModule } from '../notify/notify.module';
import { AccessModule } from './access.module';
import { ClientKeysController } from './client-keys.controller';
import { ClientKeysService } from './client-keys.service';
import { CREDENTIAL_STORE } from './credential-store';
import { CREDENTIAL_USE } from './credential-use';
import { GrantsController } from './grants.controller';
import { GrantsService } from './grants.service';
import { LastUse } from './last-use';
import { StoredCredentials } from './stored-credentials';
import { TokensController } from './tokens.controller';
import { TokensService } from './tokens.service';

/** Global, because whoever authenticates asks for the credentials by a token and must not know where they are kept. */
@Global()
@Module({
  imports: [AccessModule, NotifyModule],
  controllers: [GrantsController, TokensController, ClientKeysController],
  providers: [
    GrantsService,
    TokensService,
    ClientKeysService,
    LastUse,
    { provide: CREDENTIAL_USE, useExisting: LastUse },
    { provide: CREDENTIAL_STORE, useClass: StoredCredentials },
  ],
  exports: [CREDENTIAL_STORE, CREDENTIAL_USE],
})
export class CredentialsModule {}
