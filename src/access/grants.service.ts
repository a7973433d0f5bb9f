import { Inject, Injectable } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import { DataSource, type EntityManager } from 'typeorm';
import { recordAudit, type AuditAction } from '../audit/record-audit';
import { violatesUnique } from '../database/constraint';
import type { Page } from '../http/page';
import { lastingActor, type Actor } from '../kernel/actor';
import { CLOCK, type Clock } from '../kernel/clock';
import { DomainError } from '../kernel/domain-error';
import { announce } from '../notify/announce';
import { AccessGrant } from './access-grant.entity';
import { Authenticator } from './authenticator';
import { Authorities } from './authorities';
import { environmentIdOf } from './environment-id';
import { requireMayGrant, requireSound, type GivenGrant } from './granting';
import { GrantView, HeldGrantView, type CreateGrant, type GrantsQuery } from './grants.dto';
import { keepAdministrator } from './last-administrator';
import { lockGrant, readGrants, type StoredGrant } from './read-grants';
import { findSubject, type Subject } from './subjects';
import { visiblePage } from './visible-page';

/** What is granted to whom. A grant never changes: it is given, and taken away. */
@Injectable()
export class GrantsService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly authenticator: Authenticator,
    private readonly authorities: Authorities,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /** Those that lie where the caller may grant. */
  async list({ authority }: Actor, { cursor, limit, environment, ...filter }: GrantsQuery): Promise<Page<GrantView>> {
    const lineage = environment === undefined ? undefined : await this.authorities.learn(environment);
    const within = authority.layersWith('grant').map(({ services }) => services);
    return visiblePage(
      {
        read: (after, count) => readGrants(this.dataSource, { ...filter, lineage, within, after, count }),
        keyOf: ({ services, id }) => [services, id],
        isVisible: (grant) => authority.allowsThroughout('grant', grant),
      },
      { cursor, limit },
      grantView,
    );
  }

  async create(actor: Actor, { subject: named, ...given }: CreateGrant): Promise<GrantView> {
    requireSound(given, '');
    await this.authorities.learn(given.environment);
    requireMayGrant(actor.authority, given);
    const { role, services, environment, reveal = false } = given;
    const grant = { id: randomUUID(), role, services, reveal, createdAt: this.clock.now(), createdBy: lastingActor(actor) };
    const subject = await this.write(async (manager) => {
      const found = await findSubject(manager, actor, named);
      const environmentId = await environmentIdOf(manager, environment, '/environment');
      await manager.insert(AccessGrant, { ...grant, subjectKind: found.kind, subject: found.id, environmentId });
      await recordGrant(manager, actor, 'grant.create', { ...grant, environment, subject: found });
      return found;
    });
    return grantView({ ...grant, environment, subject });
  }

  async delete(actor: Actor, id: string): Promise<void> {
    await this.write(async (manager) => {
      const grant = await lockGrant(manager, id);
      if (grant !== undefined) await this.authorities.learn(grant.environment);
      if (grant === undefined || !actor.authority.allowsThroughout('grant', grant)) throw new DomainError('grant_not_found', `There is no grant with the id ${id}.`);
      requireMayGrant(actor.authority, grant);
      const remove = (): Promise<unknown> => manager.delete(AccessGrant, { id });
      await (grant.role === 'admin' ? keepAdministrator(manager, this.clock.now(), remove) : remove());
      await recordGrant(manager, actor, 'grant.delete', grant);
    });
  }

  private async write<T>(work: (manager: EntityManager) => Promise<T>): Promise<T> {
    const result = await this.dataSource
      .transaction(async (manager) => {
        const written = await work(manager);
        await announce(manager, 'access');
        return written;
      })
      .catch((error: unknown) => {
        if (!violatesUnique(error, 'access_grant_key')) throw error;
        throw new DomainError('grant_exists', 'This role has been granted there already. Delete that grant first, should it be given with or without reveal instead.', { cause: error });
      });
    // Replicas hear of it; here it holds before the caller gets an answer. Should this fail, it is done when the
    // notification comes.
    await this.authenticator.refresh().catch(() => undefined);
    return result;
  }
}

/** A grant of one service is found by its name. */
function recordGrant(manager: EntityManager, actor: Actor, action: AuditAction, { id, subject, role, services, environment, reveal = false }: GivenGrant & { id: string; subject: Subject }): Promise<void> {
  const service = services.endsWith('*') ? {} : { service: services };
  return recordAudit(manager, { actor, action, subject: { id, to: subject, role, services, ...service, environment, reveal } });
}

function grantView(grant: StoredGrant): GrantView {
  const { id, subject, createdAt, createdBy } = grant;
  return { id, subject, ...HeldGrantView.of(grant), createdAt: createdAt.toISOString(), createdBy };
}
