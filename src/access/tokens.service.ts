import { Inject, Injectable } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import { DataSource, type EntityManager } from 'typeorm';
import { recordAudit } from '../audit/record-audit';
import type { Page } from '../http/page';
import { lastingActor, type Actor } from '../kernel/actor';
import { CLOCK, type Clock } from '../kernel/clock';
import { DomainError } from '../kernel/domain-error';
import { announce } from '../notify/announce';
import { AccessGrant } from './access-grant.entity';
import { Authenticator } from './authenticator';
import { Authorities } from './authorities';
import { StoredCredential } from './credential.entity';
import { type Described, describedView, futureMoment, isUsable, newCredential, rotateSecret } from './credential-secrets';
import { type CreatedToken, type CreateToken, type CredentialsQuery, type RotateCredential, type TokenView } from './credentials.dto';
import { forbidden } from './decide';
import { environmentIdOf } from './environment-id';
import { maySeeToken, mayRevokeToken, mayUseToken, requireMayGrant, requireSound } from './granting';
import { HeldGrantView, type HeldGrant } from './grants.dto';
import { keepAdministrator } from './last-administrator';
import { lockToken, readTokens, type StoredToken } from './read-tokens';
import { visiblePage } from './visible-page';

const DAY_MS = 86_400_000;
/** Of a personal token: nobody else looks after it, and the one it belongs to forgets it. */
const MAX_PERSONAL_DAYS = 366;
/** Everybody may make them, also who may do nothing else, and every process remembers them all. */
const MAX_PERSONAL = 100;

/** Service tokens, which are granted something themselves, and personal tokens, which act for who made them. */
@Injectable()
export class TokensService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly authenticator: Authenticator,
    private readonly authorities: Authorities,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  async list(actor: Actor, { revoked = false, ...page }: CredentialsQuery): Promise<Page<TokenView>> {
    const of = actor.authority.allowsEverywhere('administer') ? undefined : (actor.person?.id ?? '');
    const now = this.clock.now();
    return visiblePage(
      {
        read: (after, count) => readTokens(this.dataSource, { after, revoked, of, count }),
        keyOf: ({ name, id }) => [name, id],
        isVisible: (token) => maySeeToken(actor, token),
      },
      page,
      (token) => tokenView(token, now),
    );
  }

  async create(actor: Actor, { name, personal = false, expiresAt, grants = [] }: CreateToken): Promise<CreatedToken> {
    const now = this.clock.now();
    for (const [index, grant] of grants.entries()) requireSound(grant, `/grants/${index}`);
    for (const { environment } of grants) await this.authorities.learn(environment);
    const expiry = expiresAt === undefined ? undefined : futureMoment(expiresAt, now);
    if (personal) requirePersonal(actor, grants, expiry, now);
    else requireGranted(actor, grants);
    const { row, secret } = newCredential({ kind: personal ? 'personal-token' : 'token', name, expiresAt: expiry, actor, now });
    const held = grants.map(HeldGrantView.of);
    await this.dataSource.transaction(async (manager) => {
      if (row.personId !== null) await requireFewer(manager, row.personId, now);
      await manager.insert(StoredCredential, row);
      await insertGrants(manager, actor, row.id, grants, now);
      const owner = personal ? { person: row.personId } : {};
      await recordAudit(manager, { actor, action: 'token.create', subject: { id: row.id, name, ...owner, grants: held } });
      // Every replica then knows when the next credential expires.
      await announce(manager, 'access');
    });
    const person = personal ? (actor.person ?? null) : null;
    return { ...tokenView({ ...row, person, grants: held }, now), secret };
  }

  async rotate(actor: Actor, id: string, { overlap, expiresAt }: RotateCredential): Promise<CreatedToken> {
    const now = this.clock.now();
    const { row, secret } = await this.dataSource.transaction(async (manager) => {
      const token = await this.lock(manager, actor, id);
      if (!mayUseToken(actor, token)) throw notAllowed(token);
      if (!isUsable(token, now)) throw notFound(id);
      // It ends with the overlap, whoever has it.
      if (id === actor.id && actor.isPrevious === true) throw new DomainError('forbidden', 'This secret was replaced by a newer one, which alone can be rotated.');
      const expiry = expiresAt === undefined ? undefined : futureMoment(expiresAt, now);
      // Whoever has stolen it shall not make it last.
      if (expiry !== undefined && id === actor.id) throw new DomainError('forbidden', 'A token cannot change its own expiry. Rotate it without expiresAt.', { pointer: '/expiresAt' });
      if (expiry !== undefined && token.person !== null) requirePersonalExpiry(expiry, now);
      const rotated = await rotateSecret(manager, token, { kind: token.person === null ? 'token' : 'personal-token', overlap, expiresAt: expiry, actor, now });
      await recordAudit(manager, { actor, action: 'token.rotate', subject: { id, name: token.name, previousExpiresAt: rotated.row.previousExpiresAt, ...(expiry && { expiresAt: expiry }) } });
      await announce(manager, 'access');
      return rotated;
    });
    await this.authenticator.forget(id).catch(() => undefined);
    return { ...tokenView(row, now), secret };
  }

  async revoke(actor: Actor, id: string): Promise<void> {
    const now = this.clock.now();
    await this.dataSource.transaction(async (manager) => {
      const token = await this.lock(manager, actor, id);
      if (!mayRevokeToken(actor, token)) throw notAllowed(token);
      if (token.revokedAt !== null) return;
      const update = (): Promise<unknown> => manager.update(StoredCredential, { id }, { revokedAt: now });
      await (token.person === null ? keepAdministrator(manager, now, update) : update());
      await recordAudit(manager, { actor, action: 'token.revoke', subject: { id, name: token.name, ...(token.person && { person: token.person.id }) } });
      await announce(manager, 'access');
    });
    // Replicas hear of it; here it holds before the caller gets an answer. What is left to do should this fail (open
    // connections) is done when the notification comes.
    await this.authenticator.forget(id).catch(() => undefined);
  }

  private async lock(manager: EntityManager, actor: Actor, id: string): Promise<StoredToken> {
    const token = await lockToken(manager, id);
    if (token === undefined || !maySeeToken(actor, token)) throw notFound(id);
    return token;
  }
}

/** A token that made others would outlive its own end in them. */
function requirePersonal({ kind, person, authority }: Actor, limits: readonly HeldGrant[], expiresAt: Date | undefined, now: Date): void {
  if (kind !== 'session' || person === undefined) throw new DomainError('forbidden', 'A personal token is made by its person, signed in: another token cannot make one.');
  if (expiresAt === undefined) throw new DomainError('malformed_request', 'A personal token needs expiresAt.', { pointer: '/expiresAt' });
  requirePersonalExpiry(expiresAt, now);
  requireDistinct(limits);
  for (const { environment } of limits) {
    if (!authority.allowsInEnvironment('read', environment)) throw forbidden('read', `in ${environment}, to limit a token to it`);
  }
}

function requirePersonalExpiry(expiresAt: Date, now: Date): void {
  if (expiresAt.getTime() - now.getTime() <= MAX_PERSONAL_DAYS * DAY_MS) return;
  throw new DomainError('malformed_request', `A personal token lasts for at most ${MAX_PERSONAL_DAYS} days.`, { pointer: '/expiresAt' });
}

/** Locks the person, so that many at once are counted one after the other. */
async function requireFewer(manager: EntityManager, person: string, now: Date): Promise<void> {
  await manager.query('SELECT FROM person WHERE id = $1 FOR NO KEY UPDATE', [person]);
  const usable = await manager.query<unknown[]>(
    `SELECT FROM credential WHERE person_id = $1 AND kind = 'token' AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $2) LIMIT ${MAX_PERSONAL}`,
    [person, now],
  );
  if (usable.length === MAX_PERSONAL) throw new DomainError('forbidden', `You have ${MAX_PERSONAL} personal tokens that can be used, which is as many as there can be. Revoke one first.`);
}

function requireGranted({ authority }: Actor, grants: readonly HeldGrant[]): void {
  if (grants.length === 0) throw new DomainError('malformed_request', 'A service token needs at least one grant: it may do nothing else.', { pointer: '/grants' });
  requireDistinct(grants);
  for (const grant of grants) requireMayGrant(authority, grant);
}

function requireDistinct(grants: readonly HeldGrant[]): void {
  const seen = new Set<string>();
  for (const [index, { role, services, environment }] of grants.entries()) {
    const key = JSON.stringify([role, services, environment]);
    if (seen.has(key)) throw new DomainError('malformed_request', 'The same role is granted twice in one place.', { pointer: `/grants/${index}` });
    seen.add(key);
  }
}

async function insertGrants(manager: EntityManager, actor: Actor, token: string, grants: readonly HeldGrant[], now: Date): Promise<void> {
  for (const [index, { role, services, environment, reveal = false }] of grants.entries()) {
    const environmentId = await environmentIdOf(manager, environment, `/grants/${index}/environment`);
    const grant = { id: randomUUID(), subjectKind: 'token' as const, subject: token, role, services, environmentId, reveal, createdAt: now, createdBy: lastingActor(actor) };
    await manager.insert(AccessGrant, grant);
  }
}

function notFound(id: string): DomainError {
  return new DomainError('credential_not_found', `There is no usable token with the id ${id}.`);
}

function notAllowed({ person }: StoredToken): DomainError {
  if (person !== null) return new DomainError('forbidden', 'A personal token is dealt with by its person, signed in.');
  return new DomainError('forbidden', 'The token may do more than you could grant. Ask an administrator.');
}

function tokenView(token: Described & Pick<StoredToken, 'person' | 'grants'>, now: Date): TokenView {
  const { person, grants } = token;
  return { ...describedView(token, now), ...(person === null ? {} : { person }), grants: grants.map(HeldGrantView.of) };
}
