import { Inject, Injectable } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import { DataSource, type EntityManager } from 'typeorm';
import { recordAudit } from '../audit/record-audit';
import { decodeCursor, pageOf, type Page } from '../http/page';
import type { Actor } from '../kernel/actor';
import { CLOCK, type Clock } from '../kernel/clock';
import { DomainError } from '../kernel/domain-error';
import { announce } from '../notify/announce';
import { Authenticator } from './authenticator';
import { ANY_SERVICE } from './credential';
import { StoredCredential } from './credential.entity';
import { ClientKeyView, TokenView, type CreateClientKey, type CreateToken, type CreatedClientKey, type CreatedToken, type CredentialsQuery } from './credentials.dto';
import { grantAdministration } from './first-token';
import { keepAdministrator } from './last-administrator';
import { hashOf, newSecret, shownPrefixOf } from './secret';

type Kind = Exclude<StoredCredential['kind'], 'session'>;
type NewCredential = StoredCredential & { readonly kind: Kind };
type ListedCredential = StoredCredential & { readonly environment: string | null };

/** Credentials are created, which is the one moment their secret exists outside its owner, listed, and revoked. */
@Injectable()
export class CredentialsService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly authenticator: Authenticator,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  async listTokens(query: CredentialsQuery): Promise<Page<TokenView>> {
    return this.list('token', query, TokenView.of);
  }

  async listClientKeys(query: CredentialsQuery): Promise<Page<ClientKeyView>> {
    return this.list('client-key', query, clientKeyView);
  }

  async createToken(actor: Actor, { name, expiresAt }: CreateToken): Promise<CreatedToken> {
    const { credential, secret } = this.prepare('token', name, expiresAt);
    await this.store(actor, credential, { name }, (manager) => grantAdministration(manager, 'token', credential.id));
    return { ...TokenView.of(credential), secret };
  }

  async createClientKey(actor: Actor, { name, expiresAt, service, environment }: CreateClientKey): Promise<CreatedClientKey> {
    const { credential, secret } = this.prepare('client-key', name, expiresAt);
    const scoped = { ...credential, serviceName: service, environmentId: await this.environmentId(environment) };
    await this.requireService(service);
    await this.store(actor, scoped, { name, service, environment });
    return { ...clientKeyView({ ...scoped, environment }), secret };
  }

  async revoke(actor: Actor, kind: Kind, id: string): Promise<void> {
    const now = this.clock.now();
    await this.dataSource.transaction(async (manager) => {
      const credential = await manager.findOne(StoredCredential, { where: { id, kind }, lock: { mode: 'pessimistic_write' } });
      if (credential === null) throw new DomainError('credential_not_found', `There is no ${kind} with the id ${id}.`);
      if (credential.revokedAt !== null) return;
      const update = (): Promise<unknown> => manager.update(StoredCredential, { id }, { revokedAt: now });
      await (kind === 'token' ? keepAdministrator(manager, now, update) : update());
      await recordAudit(manager, { actor, action: `${kind}.revoke`, subject: { id, name: credential.name } });
      await announce(manager, 'access');
    });
    // Replicas hear of it; here it holds before the caller gets an answer. What is left to do should this fail (open
    // connections) is done when the notification comes.
    await this.authenticator.forget(id).catch(() => undefined);
  }

  private async list<View>(kind: Kind, { cursor, limit, revoked }: CredentialsQuery, view: (row: ListedCredential) => View): Promise<Page<View>> {
    const [name, id] = decodeCursor(cursor, 'string', 'string') ?? [];
    const credentials = this.dataSource.manager
      .createQueryBuilder(StoredCredential, 'credential')
      .where('credential.kind = :kind', { kind })
      .orderBy('credential.name')
      .addOrderBy('credential.id')
      .limit(limit + 1);
    if (revoked !== true) credentials.andWhere('credential.revoked_at IS NULL');
    if (name !== undefined) credentials.andWhere('(credential.name, credential.id::text) > (:name, :id)', { name, id });
    const rows = await credentials.getMany();
    const environments = await this.dataSource.query<{ id: number; name: string }[]>('SELECT id, name FROM environment WHERE id = ANY($1)', [
      rows.map(({ environmentId }) => environmentId).filter((environmentId) => environmentId !== null),
    ]);
    const names = new Map(environments.map((environment) => [environment.id, environment.name]));
    return pageOf(rows, limit, (row) => [row.name, row.id], (row) => view({ ...row, environment: names.get(row.environmentId ?? 0) ?? null }));
  }

  private prepare(kind: Kind, name: string, expiresAt: string | undefined): { credential: NewCredential; secret: string } {
    const secret = newSecret(kind);
    const now = this.clock.now();
    const credential: NewCredential = {
      id: randomUUID(),
      kind,
      name,
      prefix: shownPrefixOf(secret),
      secretHash: hashOf(secret),
      serviceName: null,
      environmentId: null,
      createdAt: now,
      expiresAt: expiresAt === undefined ? null : futureMoment(expiresAt, now),
      revokedAt: null,
      personId: null,
      createdBy: null,
      lastUsedAt: null,
    };
    return { credential, secret };
  }

  private async store(actor: Actor, credential: NewCredential, subject: Record<string, unknown>, more?: (manager: EntityManager) => Promise<void>): Promise<void> {
    await this.dataSource.transaction(async (manager) => {
      await manager.insert(StoredCredential, credential);
      await more?.(manager);
      await recordAudit(manager, { actor, action: `${credential.kind}.create`, subject: { id: credential.id, ...subject } });
      // Every replica then knows when the next credential expires.
      await announce(manager, 'access');
    });
  }

  private async environmentId(name: string): Promise<number> {
    const [environment] = await this.dataSource.query<{ id: number }[]>('SELECT id FROM environment WHERE name = $1', [name]);
    if (environment === undefined) throw new DomainError('environment_not_found', `There is no environment named '${name}'.`, { pointer: '/environment' });
    return environment.id;
  }

  private async requireService(name: string): Promise<void> {
    if (name === ANY_SERVICE) return;
    const found = await this.dataSource.query<unknown[]>('SELECT 1 FROM service WHERE name = $1', [name]);
    if (found.length === 0) throw new DomainError('service_not_found', `There is no service named '${name}'.`, { pointer: '/service' });
  }
}

function clientKeyView(row: ListedCredential): ClientKeyView {
  return { ...TokenView.of(row), service: row.serviceName ?? '', environment: row.environment ?? '' };
}

function futureMoment(text: string, now: Date): Date {
  const moment = new Date(text);
  if (moment > now) return moment;
  throw new DomainError('malformed_request', 'expiresAt must be a moment in the future, such as 2027-01-31T12:00:00Z.', { pointer: '/expiresAt' });
}
