import { Injectable, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { DataSource } from 'typeorm';
import type { CopiedState } from '../copy/copied';
import { DiskCopy } from '../copy/disk-copy';
import { DomainError } from '../kernel/domain-error';
import { LogListener } from '../notify/log-listener';
import type { CatalogAdditions } from './add-to-catalog';
import type { Environment } from './environment.entity';
import { EnvironmentTree } from './environment-tree';
import { readEnvironments } from './read-environments';
import { readServices } from './read-services';
import { Service } from './service.entity';

/**
 * All environments and services, in memory, because every read needs them. What any replica changes is read when it says
 * so, and on a name that is not known yet, so that what was just created elsewhere is found. Of the services, which may
 * be thousands, only those that have changed are read again.
 */
@Injectable()
export class Catalog implements OnModuleInit, OnModuleDestroy {
  private tree = new EnvironmentTree([]);
  private environmentsCounter = -1;
  private servicesByName = new Map<string, Service>();
  private servicesById = new Map<number, Service>();
  /** The catalog's counter up to which every service is known; -1 before they have been read. */
  private counter = -1;
  private running: Promise<void> | undefined;
  private queued: Promise<void> | undefined;
  private head: number | undefined;
  private unsubscribe: () => void = () => undefined;

  constructor(
    private readonly dataSource: DataSource,
    private readonly log: LogListener,
    private readonly copy: DiskCopy,
  ) {}

  async onModuleInit(): Promise<void> {
    try {
      await this.ensureFresh();
    } catch (error) {
      if (this.copy.state === undefined) throw error;
      this.recall(this.copy.state);
    }
    this.unsubscribe = this.log.subscribe(async ({ catalog }) => {
      if (catalog === this.head) return;
      await this.ensureFresh();
      this.head = catalog;
    });
  }

  onModuleDestroy(): void {
    this.unsubscribe();
  }

  async environment(name: string): Promise<Environment> {
    if (this.tree.named(name) === undefined) await this.ensureFresh();
    return this.knownEnvironment(name);
  }

  async service(name: string): Promise<Service> {
    if (!this.servicesByName.has(name)) await this.ensureFresh();
    const service = this.servicesByName.get(name);
    if (service === undefined) throw new DomainError('service_not_found', `There is no service named '${name}'. Create it with POST /api/v1/services.`);
    return service;
  }

  /** Root first, itself last. */
  lineage(environment: string): readonly Environment[] {
    return this.tree.lineage(this.knownEnvironment(environment));
  }

  /** The same as names, also of an environment that was only just created elsewhere; empty when there is none of that name. */
  async lineageNames(environment: string): Promise<readonly string[]> {
    if (this.tree.named(environment) === undefined) await this.ensureFresh();
    return this.knownLineageNames(environment);
  }

  /** The same, as far as is known now. */
  readonly knownLineageNames = (environment: string): readonly string[] => this.tree.lineageOf(environment);

  /** The environment and all below it by name, as far as is known now; empty when there is none of that name. */
  readonly knownDescendantNames = (environment: string): readonly string[] => {
    const known = this.tree.named(environment);
    return known === undefined ? [] : this.tree.descendants(known).map(({ name }) => name);
  };

  /** Itself first, parents before their children. */
  descendants(environment: string): readonly Environment[] {
    return this.tree.descendants(this.knownEnvironment(environment));
  }

  /** Approvals that a change needs to reach the environment: as many as the strictest of its lineage asks for. */
  requiredApprovals(environment: string): number {
    return Math.max(0, ...this.lineage(environment).map(({ requiredApprovals }) => requiredApprovals ?? 0));
  }

  /** Tells one state of all environments from another: the log holds it against the present one before it commits. */
  get environmentsState(): number {
    return this.environmentsCounter;
  }

  /** Parents before their children. */
  environments(): readonly Environment[] {
    return this.tree.all;
  }

  services(): readonly Service[] {
    return [...this.servicesByName.values()];
  }

  /** Whether a service is known here to be archived. */
  isArchived(service: string): boolean {
    return Boolean(this.servicesByName.get(service)?.archivedAt);
  }

  environmentById(id: number): Environment | undefined {
    return this.tree.withId(id);
  }

  serviceById(id: number): Service | undefined {
    return this.servicesById.get(id);
  }

  /** Resolves when what was committed before the call is known. */
  ensureFresh(): Promise<void> {
    if (this.running === undefined) return this.startLoading();
    // The load that is under way may have read before what the caller is after was committed.
    this.queued ??= this.running.catch(() => undefined).then(() => {
      this.queued = undefined;
      return this.running ?? this.startLoading();
    });
    return this.queued;
  }

  /** This catalog with more in it that nobody has created yet: for checking what could be published once they are. */
  with(added: CatalogAdditions): Catalog {
    const planned = new Catalog(this.dataSource, this.log, this.copy);
    // Younger than all there are, as a child must be younger than its parent.
    const nextId = 1 + Math.max(0, ...this.servicesById.keys(), ...this.tree.all.map(({ id }) => id));
    const unsaved = { description: '', requiredApprovals: null, createdAt: new Date(0) };
    const environments = added.environments.map(({ name, parentId }, index) => ({ ...unsaved, id: nextId + index, name, parentId }));
    const services = added.services.map((name, index) => ({ ...unsaved, id: nextId + index, name, owner: '', archivedAt: null }));
    planned.tree = new EnvironmentTree([...this.tree.all, ...environments]);
    planned.environmentsCounter = this.environmentsCounter;
    planned.keep([...this.services(), ...services]);
    return planned;
  }

  private startLoading(): Promise<void> {
    this.running = this.load().finally(() => (this.running = undefined));
    return this.running;
  }

  private async load(): Promise<void> {
    const [read, changed] = await Promise.all([readEnvironments(this.dataSource), readServices(this.dataSource, this.counter)]);
    this.tree = new EnvironmentTree(read.environments);
    this.environmentsCounter = read.counter;
    const isAll = this.counter < 0;
    if (isAll) this.keep(changed.services);
    else for (const service of changed.services) this.add(service);
    // A counter that has gone back, or another number of services, is another database: one that was restored.
    const isSame = isAll || (changed.counter >= this.counter && this.servicesById.size === changed.total);
    this.counter = isSame ? changed.counter : -1;
    if (!isSame) await this.load();
  }

  /** What was known when the disk copy was written, until the database answers. */
  private recall({ environments, services }: CopiedState): void {
    const longAgo = new Date(0);
    const unknown = { description: '', requiredApprovals: null, createdAt: longAgo };
    this.tree = new EnvironmentTree(environments.map((environment) => ({ ...unknown, ...environment })));
    this.keep(services.map(({ id, name, archived }) => ({ ...unknown, id, name, owner: '', archivedAt: archived ? longAgo : null })));
  }

  private keep(services: readonly Service[]): void {
    this.servicesByName.clear();
    this.servicesById.clear();
    for (const service of services) this.add(service);
  }

  private add(service: Service): void {
    this.servicesByName.set(service.name, service);
    this.servicesById.set(service.id, service);
  }

  private knownEnvironment(name: string): Environment {
    const environment = this.tree.named(name);
    if (environment === undefined) {
      throw new DomainError('environment_not_found', `There is no environment named '${name}'. Create it with POST /api/v1/environments.`);
    }
    return environment;
  }
}
