import { Inject, Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import type { Actor, PersonName } from '../kernel/actor';
import { CLOCK, type Clock } from '../kernel/clock';
import { rememberDevice } from './devices';
import type { RequestOrigin } from './request-origin';
import type { SignInMethod } from './session.entity';
import { Sessions, type OpenedSession } from './sessions';

/** What came along with the request of somebody who signs in. */
export interface Arrival {
  readonly origin: RequestOrigin;
  readonly sessionSecret: string | undefined;
  readonly deviceSecret: string | undefined;
}

/** What goes back: the secrets are for cookies. */
export interface Arrived {
  readonly person: PersonName;
  readonly session: OpenedSession;
  readonly deviceSecret: string;
}

/** Finds out who signs in; `endSessions` ends all that the person has, as a new password asks for. */
export type Identify = (manager: EntityManager, endSessions: (actor: Actor, personId: string) => Promise<void>) => Promise<PersonName>;

/** The end of every way of signing in. */
@Injectable()
export class Arrivals {
  constructor(
    private readonly dataSource: DataSource,
    private readonly sessions: Sessions,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /**
   * Opens a session for the person whom `identify` answers, in one transaction with whatever it does to find out.
   * Nothing that was open under the cookie of the request is left.
   */
  async admit(method: SignInMethod, { origin, sessionSecret, deviceSecret }: Arrival, identify: Identify): Promise<Arrived> {
    const ended: string[] = [];
    const arrived = await this.dataSource.transaction(async (manager) => {
      const person = await identify(manager, async (actor, personId) => {
        ended.push(...(await this.sessions.end(manager, actor, { personId }, 'password')));
      });
      const session = await this.sessions.open(manager, person, { method, origin, replaced: sessionSecret }, ended);
      return { person, session, deviceSecret: await rememberDevice(manager, deviceSecret, person.id, this.clock.now()) };
    });
    await this.sessions.forget(ended);
    return arrived;
  }
}
