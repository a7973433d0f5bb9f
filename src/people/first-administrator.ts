import { Inject, Injectable } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import { DataSource, type EntityManager } from 'typeorm';
import { grantAdministration } from '../access/first-token';
import { Person } from '../access/person.entity';
import { hashOf, newSecret } from '../access/secret';
import { recordAudit } from '../audit/record-audit';
import { violatesUnique } from '../database/constraint';
import { addressKeyOf } from '../http/client-address';
import { CLOCK, type Clock } from '../kernel/clock';
import { DomainError } from '../kernel/domain-error';
import { Arrivals, type Arrival, type Arrived } from './arrivals';
import { Attempts } from './attempts';
import { canonicalLogin } from './login';
import { hashPassword } from './password-hash';
import { acceptPassword } from './password-policy';
import { storePassword } from './passwords';
import { strangerOf } from './request-origin';
import type { SetUp } from './sign-in.dto';

const LIFE_MS = 3_600_000;

/** Whether there is, disabled or not, a person who was made an administrator: then nobody needs to be set up any more. */
const ADMINISTRATORS = `
  SELECT FROM access_grant g JOIN environment e ON e.id = g.environment_id
   WHERE g.role = 'admin' AND g.services = '*' AND e.parent_id IS NULL
     AND (g.subject_kind = 'person' OR (g.subject_kind = 'group' AND EXISTS (SELECT FROM group_member m WHERE m.group_name = g.subject)))`;

/**
 * At a start: the secret with which the first administrator makes an account, to be shown once. Undefined as soon as a person
 * is or was an administrator, and then for ever: the row that says so is never opened again. A later start takes the place
 * of an earlier one, so of several processes that start at once the secret of one is good.
 */
export async function offerSetUp(dataSource: DataSource): Promise<string | undefined> {
  return dataSource.transaction(async (manager) => {
    if (await isClosed(manager)) return undefined;
    const secret = newSecret('link');
    await manager.query('UPDATE setup_link SET secret_hash = $1, expires_at = $2', [hashOf(secret), new Date(Date.now() + LIFE_MS)]);
    return secret;
  });
}

/** Locks the row, and closes it for good once there is an administrator. */
async function isClosed(manager: EntityManager): Promise<boolean> {
  const [link] = await manager.query<{ closed: boolean }[]>('SELECT closed_at IS NOT NULL AS closed FROM setup_link FOR UPDATE');
  if (link?.closed !== false) return true;
  const administrators = await manager.query<unknown[]>(`${ADMINISTRATORS} LIMIT 1`);
  if (administrators.length === 0) return false;
  await close(manager);
  return true;
}

async function close(manager: EntityManager): Promise<void> {
  await manager.query('UPDATE setup_link SET secret_hash = NULL, expires_at = NULL, closed_at = now()');
}

/** Makes the first administrator, for who knows the secret that a start has printed. */
@Injectable()
export class FirstAdministrator {
  constructor(
    private readonly dataSource: DataSource,
    private readonly arrivals: Arrivals,
    private readonly attempts: Attempts,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  async setUp({ secret, login: typed, name, password }: SetUp, arrival: Arrival): Promise<Arrived> {
    const subjects = [{ kind: 'link', of: addressKeyOf(arrival.origin.address) }] as const;
    await this.attempts.begin(subjects);
    await this.requireOffer(this.dataSource.manager, secret);
    const login = canonicalLogin(typed) ?? typed;
    const hash = await hashPassword(acceptPassword(password, [login, name], '/password'));
    const arrived = await this.arrivals.admit('setup', arrival, async (manager) => {
      if (await isClosed(manager)) throw gone();
      await this.requireOffer(manager, secret);
      const now = this.clock.now();
      const id = randomUUID();
      await insertPerson(manager, { id, login, name, createdAt: now, disabledAt: null });
      await storePassword(manager, id, hash, now);
      await grantAdministration(manager, 'person', id);
      await recordAudit(manager, { actor: strangerOf(arrival.origin), action: 'person.create', subject: { id, name, login, by: 'setup', role: 'admin' } });
      return { id, name };
    });
    await this.attempts.succeeded(subjects);
    return arrived;
  }

  private async requireOffer(manager: EntityManager, secret: string): Promise<void> {
    const rows = await manager.query<unknown[]>('SELECT FROM setup_link WHERE secret_hash = $1 AND expires_at > $2 AND closed_at IS NULL', [hashOf(secret), this.clock.now()]);
    if (rows.length === 0) throw gone();
  }
}

/** @throws DomainError `name_taken` */
export async function insertPerson(manager: EntityManager, person: Person): Promise<void> {
  try {
    await manager.insert(Person, person);
  } catch (error) {
    throw loginTaken(error, person.login);
  }
}

export function loginTaken(error: unknown, login: string | null): unknown {
  if (!violatesUnique(error, 'person_login_key')) return error;
  return new DomainError('name_taken', `There is a person with the login '${login}' already.`, { pointer: '/login', cause: error });
}

function gone(): DomainError {
  return new DomainError('link_not_found', 'The link was used, is older than an hour, or was replaced at a later start; or there is an administrator already. Restart the server for another link, or sign in.');
}
