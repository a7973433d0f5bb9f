import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { changedFields } from '../audit/changed-fields';
import { recordAudit } from '../audit/record-audit';
import { ADVISORY_LOCKS } from '../database/advisory-locks';
import { violatesUnique } from '../database/constraint';
import { decodeCursor, pageOf, type Page } from '../http/page';
import { entityTagOf, requireMatch } from '../http/preconditions';
import type { Actor } from '../kernel/actor';
import { DomainError } from '../kernel/domain-error';
import { announce } from '../notify/announce';
import { Catalog } from './catalog';
import { Environment } from './environment.entity';
import { countEnvironments } from './read-environments';
import { EnvironmentView, type CreateEnvironment, type EnvironmentsQuery, type UpdateEnvironment } from './environments.dto';

/** Environments are created, described and protected. They are never moved or removed: history refers to them. */
@Injectable()
export class EnvironmentsService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly catalog: Catalog,
  ) {}

  /** Those in which the actor may view anything, and how they are reached from the root. */
  async list({ authority }: Actor, { q, cursor, limit }: EnvironmentsQuery): Promise<Page<EnvironmentView>> {
    const [after] = decodeCursor(cursor, 'string') ?? [''];
    await this.catalog.ensureFresh();
    const rows = [...this.catalog.environments()]
      .sort((a, b) => (a.name < b.name ? -1 : 1))
      .filter(({ name }) => name > after && name.startsWith(q ?? '') && authority.allowsInEnvironment('view', name));
    return pageOf(rows, limit, ({ name }) => [name], (environment) => this.view(environment));
  }

  async get(name: string): Promise<EnvironmentView> {
    await this.catalog.ensureFresh();
    return this.view(await this.catalog.environment(name));
  }

  async create(actor: Actor, { name, parent: parentName, description }: CreateEnvironment): Promise<EnvironmentView> {
    const parent = await this.catalog.environment(parentName);
    const environment = await this.write(name, async (manager) => {
      const [created] = (await manager.insert(Environment, { name, parentId: parent.id, description })).identifiers;
      await recordAudit(manager, { actor, action: 'environment.create', subject: { environment: name, parent: parentName } });
      return manager.findOneByOrFail(Environment, { id: created?.['id'] as number });
    });
    return EnvironmentView.of(environment, parent);
  }

  async update(actor: Actor, name: string, update: UpdateEnvironment, ifMatch: string | undefined): Promise<EnvironmentView> {
    await this.catalog.environment(name);
    const environment = await this.write(name, async (manager) => {
      // A publish that is being committed comes before, and every later one is held against it, on every replica. Taken
      // before the row, because whoever publishes takes them in that order.
      if (update.requiredApprovals !== undefined) await manager.query('SELECT pg_advisory_xact_lock($1, $2)', [...ADVISORY_LOCKS.log]);
      const stored = await manager.findOneOrFail(Environment, { where: { name }, lock: { mode: 'pessimistic_write' } });
      requireMatch(ifMatch, entityTagOf(this.view(stored)));
      const { description = stored.description, requiredApprovals = stored.requiredApprovals } = update;
      await manager.update(Environment, { id: stored.id }, { description, requiredApprovals });
      const protection = requiredApprovals === stored.requiredApprovals ? {} : { requiredApprovals: { before: stored.requiredApprovals, after: requiredApprovals } };
      const changed = { ...changedFields(stored, { description, requiredApprovals }), ...protection };
      await recordAudit(manager, { actor, action: 'environment.update', subject: { environment: name }, changed });
      return { ...stored, description, requiredApprovals };
    });
    return this.view(environment);
  }

  private view(environment: Environment): EnvironmentView {
    const parent = environment.parentId === null ? undefined : this.catalog.environmentById(environment.parentId);
    return EnvironmentView.of(environment, parent);
  }

  private async write(name: string, work: (manager: EntityManager) => Promise<Environment>): Promise<Environment> {
    try {
      return await this.dataSource.transaction(async (manager) => {
        const environment = await work(manager);
        await countEnvironments(manager);
        await announce(manager, 'catalog');
        return environment;
      });
    } catch (error) {
      if (!violatesUnique(error, 'environment_name_key')) throw error;
      throw new DomainError('name_taken', `There is an environment named '${name}' already.`, { pointer: '/name', cause: error });
    } finally {
      // What was written here is read here at once. Should that fail, the notification comes all the same.
      await this.catalog.ensureFresh().catch(() => undefined);
    }
  }
}
