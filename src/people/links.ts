import { Inject, Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { hashOf } from '../access/secret';
import { recordAudit } from '../audit/record-audit';
import { addressKeyOf } from '../http/client-address';
import { CLOCK, type Clock } from '../kernel/clock';
import { DomainError } from '../kernel/domain-error';
import { Arrivals, type Arrival, type Arrived } from './arrivals';
import { Attempts } from './attempts';
import { forgetDevices } from './devices';
import { hashPassword } from './password-hash';
import { acceptPassword } from './password-policy';
import { storePassword } from './passwords';
import { PersonLink, type LinkPurpose } from './person-link.entity';
import { arrivingOf } from './request-origin';
import type { RedeemLink } from './sign-in.dto';

interface LinkedPerson {
  readonly id: string;
  readonly login: string;
  readonly name: string;
  readonly purpose: LinkPurpose;
}

const OPEN_LINK = `
  SELECT p.id, p.login, p.name, l.purpose FROM person_link l JOIN person p ON p.id = l.person_id
   WHERE l.secret_hash = $1 AND l.expires_at > $2 AND p.disabled_at IS NULL AND p.login IS NOT NULL`;

/** What becomes of a link with which a person sets a password. */
@Injectable()
export class Links {
  constructor(
    private readonly dataSource: DataSource,
    private readonly arrivals: Arrivals,
    private readonly attempts: Attempts,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /** Sets the password, ends what was open, and signs the person in. */
  async redeem({ secret, password }: RedeemLink, arrival: Arrival): Promise<Arrived> {
    await this.attempts.begin([{ kind: 'link', of: addressKeyOf(arrival.origin.address) }]);
    const open = [hashOf(secret), this.clock.now()];
    const [person] = await this.dataSource.query<LinkedPerson[]>(OPEN_LINK, open);
    if (person === undefined) throw gone();
    const hash = await hashPassword(acceptPassword(password, [person.login, person.name], '/password'));
    const arrived = await this.arrivals.admit('link', arrival, async (manager, endSessions) => {
      const [again] = await manager.query<LinkedPerson[]>(`${OPEN_LINK} FOR UPDATE`, open);
      // Of two who use it at once, one does.
      if (again === undefined) throw gone();
      const { id, name, purpose } = again;
      await manager.delete(PersonLink, { personId: id });
      await storePassword(manager, id, hash, this.clock.now());
      await forgetDevices(manager, id);
      const actor = arrivingOf(again, 'link', arrival.origin);
      await recordAudit(manager, { actor, action: 'person.password', subject: { id, name, by: purpose } });
      await endSessions(actor, id);
      return { id, name };
    });
    await this.attempts.succeeded([{ kind: 'link', of: addressKeyOf(arrival.origin.address) }, { kind: 'login', of: person.login }]);
    return arrived;
  }
}

function gone(): DomainError {
  return new DomainError('link_not_found', 'The link was used, is too old, or was replaced by a newer one. Ask an administrator for another.');
}
