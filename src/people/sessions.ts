import { Inject, Injectable } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import { DataSource, type EntityManager } from 'typeorm';
import { Authenticator } from '../access/authenticator';
import type { Credential } from '../access/credential';
import { StoredCredential } from '../access/credential.entity';
import { hashOf, newSecret, shownPrefixOf } from '../access/secret';
import type { SessionUse } from '../access/session-use';
import { recordAudits } from '../audit/record-audit';
import type { Actor, PersonName } from '../kernel/actor';
import { CLOCK, type Clock } from '../kernel/clock';
import { announce } from '../notify/announce';
import { SETTINGS, type Settings } from '../settings/settings';
import { arrivingOf, type RequestOrigin } from './request-origin';
import { Session, type SignInMethod } from './session.entity';

const MINUTE_MS = 60_000;
/** A session that is used is written down again when it has lost this part of its time, not at every request. */
const RENEWED_PART = 0.05;
/** For how long an ended session is still there to be asked about. */
const KEPT_DAYS = 30;
const SWEEP = 100;
/** More than anybody has browsers: for who signs in with a script and never out. */
const MAX_SESSIONS = 100;

export interface OpenedSession {
  readonly id: string;
  /** For the cookie, and for nothing else. */
  readonly secret: string;
  readonly expiresAt: Date;
  readonly endsAt: Date;
}

export interface SessionOpening {
  readonly method: SignInMethod;
  readonly origin: RequestOrigin;
  /** The secret that came in the cookie: what was there before a sign-in never outlives it. */
  readonly replaced?: string | undefined;
}

/** Which sessions end. */
export interface Ending {
  readonly personId?: string;
  readonly id?: string;
  readonly secret?: string;
  readonly except?: string;
}

/** Sessions are credentials that expire when they are not used, and in any case at a fixed moment. */
@Injectable()
export class Sessions implements SessionUse {
  private readonly renewed = new WeakMap<Credential, number>();

  constructor(
    private readonly dataSource: DataSource,
    private readonly authenticator: Authenticator,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {}

  /**
   * Inside the transaction of the sign-in. Other replicas need not hear of it: what they do not know they look up.
   *
   * @param ended is told what has ended by it, for {@link forget}
   */
  async open(manager: EntityManager, person: PersonName, { method, origin, replaced }: SessionOpening, ended: string[]): Promise<OpenedSession> {
    const now = this.clock.now();
    const [id, secret] = [randomUUID(), newSecret('session')];
    const endsAt = new Date(now.getTime() + this.settings.sessions.maxMinutes * MINUTE_MS);
    const expiresAt = this.expiryFrom(now, endsAt);
    const actor = arrivingOf(person, id, origin);
    if (replaced !== undefined) ended.push(...(await this.end(manager, actor, { secret: replaced }, 'replaced')));
    await manager.insert(StoredCredential, {
      id,
      kind: 'session',
      name: person.name,
      prefix: shownPrefixOf(secret),
      secretHash: hashOf(secret),
      serviceName: null,
      environmentId: null,
      personId: person.id,
      createdBy: null,
      createdAt: now,
      lastUsedAt: now,
      expiresAt,
      revokedAt: null,
    });
    await manager.insert(Session, { credentialId: id, method, endsAt, address: origin.address, userAgent: origin.userAgent });
    await recordAudits(manager, [{ actor, action: 'session.create', subject: { id, person: person.id, method } }]);
    ended.push(...(await this.endOldest(manager, actor, person.id)));
    await this.sweep(manager, now);
    return { id, secret, expiresAt, endsAt };
  }

  /** Inside a transaction; {@link forget} what it answers afterwards. */
  async end(manager: EntityManager, actor: Actor, { personId, id, secret, except }: Ending, reason: string): Promise<string[]> {
    const [ended] = await manager.query<[{ id: string; person_id: string }[], number]>(
      `UPDATE credential SET revoked_at = $1
        WHERE kind = 'session' AND revoked_at IS NULL AND expires_at > $1
          AND ($2::uuid IS NULL OR person_id = $2) AND ($3::uuid IS NULL OR id = $3) AND ($4::bytea IS NULL OR secret_hash = $4) AND id IS DISTINCT FROM $5
        RETURNING id, person_id`,
      [this.clock.now(), personId ?? null, id ?? null, secret === undefined ? null : hashOf(secret), except ?? null],
    );
    if (ended.length === 0) return [];
    await recordAudits(manager, ended.map((session) => ({ actor, action: 'session.end', subject: { id: session.id, person: session.person_id, reason } })));
    await announce(manager, 'access');
    return ended.map((session) => session.id);
  }

  /** Replicas hear of it; here it holds before the caller gets an answer. */
  async forget(ids: readonly string[]): Promise<void> {
    await Promise.all(ids.map((id) => this.authenticator.forget(id).catch(() => undefined)));
  }

  /** Ends them in a transaction of its own. */
  async endNow(actor: Actor, ending: Ending, reason: string): Promise<number> {
    const ids = await this.dataSource.transaction((manager) => this.end(manager, actor, ending, reason));
    await this.forget(ids);
    return ids.length;
  }

  list(personId: string): Promise<(StoredCredential & Pick<Session, 'method' | 'endsAt' | 'address' | 'userAgent'>)[]> {
    return this.dataSource.query(
      `SELECT c.id, c.created_at AS "createdAt", c.last_used_at AS "lastUsedAt", c.expires_at AS "expiresAt",
              s.method, s.ends_at AS "endsAt", s.address, s.user_agent AS "userAgent"
         FROM credential c JOIN session s ON s.credential_id = c.id
        WHERE c.person_id = $1 AND c.revoked_at IS NULL AND c.expires_at > $2 ORDER BY c.created_at DESC, c.id LIMIT 200`,
      [personId, this.clock.now()],
    );
  }

  /** Moves the expiry of a session that is being used. What is remembered of it may be older by a few renewals, which is harmless. */
  async used(credential: Credential): Promise<void> {
    const idleMs = this.settings.sessions.idleMinutes * MINUTE_MS;
    const [now, renewed] = [this.clock.now(), this.renewed.get(credential)];
    const since = renewed ?? (credential.expiresAt?.getTime() ?? 0) - idleMs;
    if (now.getTime() - since < idleMs * RENEWED_PART) return;
    this.renewed.set(credential, now.getTime());
    await this.dataSource.query(
      `UPDATE credential c SET expires_at = least($2, s.ends_at), last_used_at = $3
         FROM session s WHERE s.credential_id = c.id AND c.id = $1 AND c.revoked_at IS NULL AND c.expires_at > $3`,
      [credential.id, new Date(now.getTime() + idleMs), now],
    );
  }

  private async endOldest(manager: EntityManager, actor: Actor, personId: string): Promise<string[]> {
    const oldest = await manager.query<{ id: string }[]>(
      `SELECT id FROM credential WHERE person_id = $1 AND kind = 'session' AND revoked_at IS NULL AND expires_at > $2 ORDER BY created_at DESC, id OFFSET ${MAX_SESSIONS}`,
      [personId, this.clock.now()],
    );
    const ended = [];
    for (const { id } of oldest) ended.push(...(await this.end(manager, actor, { id }, 'too many')));
    return ended;
  }

  private expiryFrom(now: Date, endsAt: Date): Date {
    return new Date(Math.min(now.getTime() + this.settings.sessions.idleMinutes * MINUTE_MS, endsAt.getTime()));
  }

  private async sweep(manager: EntityManager, now: Date): Promise<void> {
    await manager.query(
      `DELETE FROM credential WHERE id IN (
         SELECT id FROM credential WHERE kind = 'session' AND expires_at < $1::timestamptz - interval '${KEPT_DAYS} days' ORDER BY expires_at LIMIT ${SWEEP} FOR UPDATE SKIP LOCKED)`,
      [now],
    );
  }
}
