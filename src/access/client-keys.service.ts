import { Inject, Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { recordAudit } from '../audit/record-audit';
import type { Page } from '../http/page';
import type { Actor } from '../kernel/actor';
import type { Authority } from '../kernel/authority';
import { CLOCK, type Clock } from '../kernel/clock';
import { DomainError } from '../kernel/domain-error';
import { announce } from '../notify/announce';
import { Authenticator } from './authenticator';
import { Authorities } from './authorities';
import { ANY_SERVICE } from './credential';
import { StoredCredential } from './credential.entity';
import { type Described, describedView, futureMoment, isUsable, newCredential, rotateSecret } from './credential-secrets';
import type { ClientKeyView, CreateClientKey, CreatedClientKey, CredentialsQuery, RotateCredential } from './credentials.dto';
import { forbidden } from './decide';
import { environmentIdOf } from './environment-id';
import { visiblePage } from './visible-page';

interface StoredKey extends Described {
  readonly service: string;
  readonly environment: string;
}

const KEYS = `
  SELECT c.id, c.name, c.prefix, c.service_name AS service, e.name AS environment,
         c.created_at AS "createdAt", c.created_by AS "createdBy", c.expires_at AS "expiresAt", c.last_used_at AS "lastUsedAt",
         c.rotated_at AS "rotatedAt", c.previous_expires_at AS "previousExpiresAt", c.previous_used_at AS "previousUsedAt", c.revoked_at AS "revokedAt"
    FROM credential c JOIN environment e ON e.id = c.environment_id
   WHERE c.kind = 'client-key'`;

/**
 * What clients read with. A key belongs to whoever may grant wherever it reads: it is given to programs, and lets them read
 * what is sealed as well.
 */
@Injectable()
export class ClientKeysService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly authenticator: Authenticator,
    private readonly authorities: Authorities,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  async list({ authority }: Actor, { revoked = false, ...page }: CredentialsQuery): Promise<Page<ClientKeyView>> {
    const now = this.clock.now();
    return visiblePage(
      {
        read: (after, count) =>
          this.dataSource.query<StoredKey[]>(
            `${KEYS} AND ($1 OR c.revoked_at IS NULL) AND ($2::text IS NULL OR (c.name, c.id::text) > ($2, $3)) ORDER BY c.name, c.id::text LIMIT $4`,
            [revoked, after?.[0], after?.[1], count],
          ),
        keyOf: ({ name, id }) => [name, id],
        isVisible: (key) => isWithin(authority, key),
      },
      page,
      (key) => keyView(key, now),
    );
  }

  async create(actor: Actor, { name, expiresAt, service, environment }: CreateClientKey): Promise<CreatedClientKey> {
    await this.authorities.learn(environment);
    if (!isWithin(actor.authority, { service, environment })) throw forbidden('grant', `throughout ${service === ANY_SERVICE ? 'every service' : service} in ${environment} and below`);
    const now = this.clock.now();
    const expiry = expiresAt === undefined ? undefined : futureMoment(expiresAt, now);
    const { row, secret } = newCredential({ kind: 'client-key', name, expiresAt: expiry, actor, now });
    await this.dataSource.transaction(async (manager) => {
      const environmentId = await environmentIdOf(manager, environment, '/environment');
      await requireService(manager, service);
      await manager.insert(StoredCredential, { ...row, serviceName: service, environmentId });
      await recordAudit(manager, { actor, action: 'client-key.create', subject: { id: row.id, name, service, environment } });
      // Every replica then knows when the next credential expires.
      await announce(manager, 'access');
    });
    return { ...keyView({ ...row, service, environment }, now), secret };
  }

  async rotate(actor: Actor, id: string, { overlap, expiresAt }: RotateCredential): Promise<CreatedClientKey> {
    const now = this.clock.now();
    const { row, secret } = await this.dataSource.transaction(async (manager) => {
      const key = await lockKey(manager, actor, id);
      if (!isUsable(key, now)) throw notFound(id);
      const expiry = expiresAt === undefined ? undefined : futureMoment(expiresAt, now);
      const rotated = await rotateSecret(manager, key, { kind: 'client-key', overlap, expiresAt: expiry, actor, now });
      const { name, service, environment } = key;
      await recordAudit(manager, { actor, action: 'client-key.rotate', subject: { id, name, service, environment, previousExpiresAt: rotated.row.previousExpiresAt, ...(expiry && { expiresAt: expiry }) } });
      await announce(manager, 'access');
      return rotated;
    });
    await this.authenticator.forget(id).catch(() => undefined);
    return { ...keyView(row, now), secret };
  }

  async revoke(actor: Actor, id: string): Promise<void> {
    await this.dataSource.transaction(async (manager) => {
      const { name, service, environment, revokedAt } = await lockKey(manager, actor, id);
      if (revokedAt !== null) return;
      await manager.update(StoredCredential, { id }, { revokedAt: this.clock.now() });
      await recordAudit(manager, { actor, action: 'client-key.revoke', subject: { id, name, service, environment } });
      await announce(manager, 'access');
    });
    // Replicas hear of it; here it holds before the caller gets an answer. What is left to do should this fail (open
    // connections) is done when the notification comes.
    await this.authenticator.forget(id).catch(() => undefined);
  }
}

/** Kept as it is until the end of the transaction. */
async function lockKey(manager: EntityManager, { authority }: Actor, id: string): Promise<StoredKey> {
  const [key] = await manager.query<StoredKey[]>(`${KEYS} AND c.id = $1 FOR NO KEY UPDATE OF c`, [id]);
  if (key === undefined || !isWithin(authority, key)) throw notFound(id);
  return key;
}

function isWithin(authority: Authority, { service, environment }: Pick<StoredKey, 'service' | 'environment'>): boolean {
  return authority.allowsThroughout('grant', { services: service, environment });
}

async function requireService(manager: EntityManager, name: string): Promise<void> {
  if (name === ANY_SERVICE) return;
  const found = await manager.query<unknown[]>('SELECT 1 FROM service WHERE name = $1', [name]);
  if (found.length === 0) throw new DomainError('service_not_found', `There is no service named '${name}'.`, { pointer: '/service' });
}

function notFound(id: string): DomainError {
  return new DomainError('credential_not_found', `There is no usable client key with the id ${id}.`);
}

function keyView(key: StoredKey, now: Date): ClientKeyView {
  const { service, environment } = key;
  return { ...describedView(key, now), service, environment };
}
