import { Global, Module } from '@nestjs/common';
import { AccessModule } from '../access/access.module';
import { SESSION_USE } from '../access/session-use';
import { Arrivals } from './arrivals';
import { Attempts } from './attempts';
import { FirstAdministrator } from './first-administrator';
import { GroupsController } from './groups.controller';
import { GroupsService } from './groups.service';
import { IdentityProvider } from './identity-provider';
import { Links } from './links';
import { OidcController } from './oidc.controller';
import { OidcPeople } from './oidc-people';
import { PeopleController } from './people.controller';
import { PeopleService } from './people.service';
import { SessionAnswers } from './session-answers';
import { SessionController } from './session.controller';
import { Sessions } from './sessions';
import { SessionsController } from './sessions.controller';
import { SignIn } from './sign-in';

/** Global, because the guard tells whoever keeps the sessions that one was used, and must not know who does. */
@Global()
@Module({
  imports: [AccessModule],
  controllers: [SessionController, SessionsController, OidcController, PeopleController, GroupsController],
  providers: [Arrivals, Attempts, FirstAdministrator, GroupsService, IdentityProvider, Links, OidcPeople, PeopleService, SessionAnswers, Sessions, SignIn, { provide: SESSION_USE, useExisting: Sessions }],
  exports: [SESSION_USE],
})
export class PeopleModule {}
