import { Inject, Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { recordAct, recordAudit } from '../audit/record-audit';
import { addressKeyOf } from '../http/client-address';
import type { Actor } from '../kernel/actor';
import { CLOCK, type Clock } from '../kernel/clock';
import { DomainError } from '../kernel/domain-error';
import { Arrivals, type Arrival, type Arrived } from './arrivals';
import { Attempts, type AttemptSubject } from './attempts';
import { forgetDevices, isKnownDevice } from './devices';
import { canonicalLogin } from './login';
import { hashPassword, isOutdated, verifyPassword } from './password-hash';
import { acceptPassword, normalizedPassword } from './password-policy';
import { storePassword } from './passwords';
import { strangerOf } from './request-origin';
import type { ChangePassword, SignIn as Credentials } from './sign-in.dto';

interface Account {
  readonly id: string;
  readonly login: string;
  readonly name: string;
  readonly hash: string | null;
  readonly disabled: boolean;
}

const ACCOUNT = `
  SELECT p.id, p.login, p.name, w.hash, p.disabled_at IS NOT NULL AS disabled
    FROM person p LEFT JOIN person_password w ON w.person_id = p.id`;

/** Signing in with a login and a password, and changing the password. */
@Injectable()
export class SignIn {
  constructor(
    private readonly dataSource: DataSource,
    private readonly attempts: Attempts,
    private readonly arrivals: Arrivals,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /**
   * Every refusal is the same to whoever asks, and takes as long: whether there is such a login, whether it has a password
   * and whether it is disabled cannot be told from outside.
   *
   * @throws DomainError `sign_in_failed`, `too_many_requests`
   */
  async signIn({ login: typed, password }: Credentials, arrival: Arrival): Promise<Arrived> {
    const login = canonicalLogin(typed);
    const account = await this.accountOf('p.login = $1', login ?? null);
    const isKnown = await isKnownDevice(this.dataSource.manager, arrival.deviceSecret, account?.id, this.clock.now());
    const subjects = subjectsOf(typed.toLowerCase(), arrival, isKnown);
    await this.attempts.begin(subjects);
    const normalized = normalizedPassword(password);
    const isRight = await this.verified(account?.hash ?? undefined, normalized, subjects);
    if (account === undefined || !isRight || account.disabled) throw await this.refused(account, isRight, arrival);
    await this.attempts.succeeded(subjects);
    const rehashed = isOutdated(account.hash ?? '') ? await hashPassword(normalized) : undefined;
    return this.arrivals.admit('password', arrival, async (manager) => {
      await requireStill(manager, account);
      if (rehashed !== undefined) await manager.query('UPDATE person_password SET hash = $2 WHERE person_id = $1', [account.id, rehashed]);
      return { id: account.id, name: account.name };
    });
  }

  /** Ends every other session, and gives this one another secret: whoever knew the old password is out. */
  async changePassword(actor: Actor, { current, password }: ChangePassword, arrival: Arrival): Promise<Arrived> {
    const account = actor.person === undefined ? undefined : await this.accountOf('p.id = $1', actor.person.id);
    if (account === undefined || account.hash === null) throw new DomainError('cannot_sign_in', 'You have no password here: you sign in elsewhere, or with a token.');
    const subjects: AttemptSubject[] = [{ kind: 'device', of: `password of ${account.id}` }];
    await this.attempts.begin(subjects);
    if (!(await this.verified(account.hash, normalizedPassword(current), subjects))) throw await this.refused(account, false, arrival, '/current');
    await this.attempts.succeeded(subjects);
    const hash = await hashPassword(acceptPassword(password, [account.login, account.name], '/password'));
    const { id, name } = account;
    return this.arrivals.admit('password', arrival, async (manager, endSessions) => {
      await requireStill(manager, account);
      await storePassword(manager, id, hash, this.clock.now());
      await forgetDevices(manager, id);
      await recordAudit(manager, { actor, action: 'person.password', subject: { id, name, by: 'change' } });
      await endSessions(actor, id);
      return { id, name };
    });
  }

  /** Whoever is turned away because very many are signing in has not guessed wrong. */
  private async verified(hash: string | undefined, normalized: string, subjects: readonly AttemptSubject[]): Promise<boolean> {
    try {
      return await verifyPassword(hash, normalized);
    } catch (error) {
      await this.attempts.takeBack(subjects);
      throw error;
    }
  }

  private async accountOf(condition: string, value: string | null): Promise<Account | undefined> {
    return (await this.dataSource.query<Account[]>(`${ACCOUNT} WHERE ${condition}`, [value]))[0];
  }

  /** What was typed for a login may have been a password: only one that exists is written down. */
  private async refused(account: Account | undefined, isRight: boolean, { origin }: Arrival, pointer?: string): Promise<DomainError> {
    const reason = account === undefined ? 'login' : account.disabled && isRight ? 'disabled' : 'password';
    await recordAct(this.dataSource, { actor: strangerOf(origin), action: 'session.refuse', subject: { reason, ...(account === undefined ? {} : { person: account.id, login: account.login }) } });
    return failed(pointer);
  }
}

/** What was true before the hashing may not be any more: somebody else has set another password, or disabled the person. */
async function requireStill(manager: EntityManager, { id, hash }: Account): Promise<void> {
  const rows = await manager.query<unknown[]>('SELECT FROM person p JOIN person_password w ON w.person_id = p.id WHERE p.id = $1 AND p.disabled_at IS NULL AND w.hash = $2 FOR UPDATE', [id, hash]);
  if (rows.length === 0) throw failed();
}

function failed(pointer?: string): DomainError {
  return new DomainError('sign_in_failed', 'Login or password is wrong. Whoever has forgotten the password asks an administrator for a reset link.', pointer === undefined ? {} : { pointer });
}

function subjectsOf(login: string, { origin, deviceSecret }: Arrival, isKnown: boolean): AttemptSubject[] {
  if (isKnown) return [{ kind: 'device', of: `${deviceSecret}\n${login}` }];
  const address = addressKeyOf(origin.address);
  return [
    { kind: 'pair', of: `${login}\n${address}` },
    { kind: 'login', of: login },
    { kind: 'address', of: address },
  ];
}
