import { Inject, Injectable, Optional } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { requireAllowed } from '../access/decide';
import { ofServices } from '../access/layer-set';
import { changedFields } from '../audit/changed-fields';
import { recordAudit, type AuditAction } from '../audit/record-audit';
import { violatesUnique } from '../database/constraint';
import { decodeCursor, pageOf, type Page } from '../http/page';
import { entityTagOf, requireMatch } from '../http/preconditions';
import type { Actor } from '../kernel/actor';
import { CLOCK, type Clock } from '../kernel/clock';
import { DomainError } from '../kernel/domain-error';
import { ROOT_ENVIRONMENT } from '../kernel/names';
import { announce } from '../notify/announce';
import { Catalog } from './catalog';
import { INCLUDE_GUARD, type AssertNotIncluded } from './include-guard';
import { Service } from './service.entity';
import { ServiceView, type CreateService, type ServicesQuery, type UpdateService } from './services.dto';

/** Services are created, described, archived and brought back. Never removed: history refers to them. */
@Injectable()
export class ServicesService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly catalog: Catalog,
    @Inject(CLOCK) private readonly clock: Clock,
    @Optional() @Inject(INCLUDE_GUARD) private readonly assertNotIncluded?: AssertNotIncluded,
  ) {}

  /** Those of which the actor may view at least one layer. */
  async list({ authority }: Actor, { q, archived = false, cursor, limit }: ServicesQuery): Promise<Page<ServiceView>> {
    const services = this.dataSource.manager.createQueryBuilder(Service, 'service').orderBy('service.name').limit(limit + 1);
    services.where(archived ? 'service.archived_at IS NOT NULL' : 'service.archived_at IS NULL');
    const lists: (readonly string[])[] = [];
    const viewed = ofServices('service.name', authority.layersWith('view').map(({ services }) => services), (names) => `CAST(:list${lists.push(names) - 1} AS text[])`);
    services.andWhere(viewed, Object.fromEntries(lists.map((names, index) => [`list${index}`, names])));
    const [after] = decodeCursor(cursor, 'string') ?? [];
    if (after !== undefined) services.andWhere('service.name > :after', { after });
    if (q !== undefined) services.andWhere('starts_with(service.name, :q)', { q });
    return pageOf(await services.getMany(), limit, ({ name }) => [name], ServiceView.of);
  }

  async get(name: string): Promise<ServiceView> {
    const service = await this.dataSource.manager.findOneBy(Service, { name });
    if (service === null) throw notFound(name);
    return ServiceView.of(service);
  }

  /** @throws DomainError `forbidden` unless the actor may grant in the whole service, whether or not there is one of that name */
  async create(actor: Actor, { name, description, owner }: CreateService): Promise<ServiceView> {
    requireAllowed(actor.authority, 'grant', [{ service: name, environment: ROOT_ENVIRONMENT }]);
    return this.write(name, async (manager) => {
      await manager.insert(Service, { name, description, owner });
      await recordAudit(manager, { actor, action: 'service.create', subject: { service: name } });
    });
  }

  update(actor: Actor, name: string, update: UpdateService, ifMatch: string | undefined): Promise<ServiceView> {
    return this.write(name, async (manager) => {
      const service = await lock(manager, name);
      requireMatch(ifMatch, entityTagOf(ServiceView.of(service)));
      const archivedAt = await this.archivedAt(manager, actor, service, update.archived);
      const { description = service.description, owner = service.owner } = update;
      if (description === service.description && owner === service.owner && archivedAt === service.archivedAt) return;
      await manager.update(Service, { id: service.id }, { description, owner, archivedAt });
      await recordAudit(manager, { actor, action: actionOf(service.archivedAt, archivedAt), subject: { service: name }, changed: changedFields(service, { description, owner, archivedAt }) });
    });
  }

  archive(actor: Actor, name: string, ifMatch: string | undefined): Promise<ServiceView> {
    return this.update(actor, name, { archived: true }, ifMatch);
  }

  private async archivedAt(manager: EntityManager, { authority }: Actor, service: Service, archived: boolean | undefined): Promise<Date | null> {
    if (archived === undefined || archived === (service.archivedAt !== null)) return service.archivedAt;
    if (!archived) return null;
    await this.assertNotIncluded?.(manager, service, authority);
    return this.clock.now();
  }

  private async write(name: string, work: (manager: EntityManager) => Promise<void>): Promise<ServiceView> {
    try {
      return await this.dataSource.transaction(async (manager) => {
        await work(manager);
        await announce(manager, 'catalog');
        return ServiceView.of(await manager.findOneByOrFail(Service, { name }));
      });
    } catch (error) {
      if (!violatesUnique(error, 'service_name_key')) throw error;
      throw new DomainError('name_taken', `There is a service named '${name}' already.`, { pointer: '/name', cause: error });
    } finally {
      // What was written here is read here at once. Should that fail, the notification comes all the same.
      await this.catalog.ensureFresh().catch(() => undefined);
    }
  }
}

async function lock(manager: EntityManager, name: string): Promise<Service> {
  const service = await manager.findOne(Service, { where: { name }, lock: { mode: 'pessimistic_write' } });
  if (service === null) throw notFound(name);
  return service;
}

function actionOf(before: Date | null, after: Date | null): AuditAction {
  if (before === after) return 'service.update';
  return after === null ? 'service.restore' : 'service.archive';
}

function notFound(name: string): DomainError {
  return new DomainError('service_not_found', `There is no service named '${name}'. Create it with POST /api/v1/services.`);
}
