import { Inject, Injectable } from '@nestjs/common';
import { forbidden, requireAllowed } from '../access/decide';
import type { CatalogAdditions } from '../catalog/add-to-catalog';
import { Catalog } from '../catalog/catalog';
import type { PublishResult } from '../changes/publisher';
import type { Actor } from '../kernel/actor';
import { ROOT_ENVIRONMENT } from '../kernel/names';
import type { LayerView } from '../releases/layer-release';
import { ReleaseReader } from '../releases/release-reader';
import { KeptSeals } from '../secrets/kept-seals';
import { SETTINGS, type Settings } from '../settings/settings';
import { planImport, type ImportPlan } from './import-plan';
import { ImportRehearsal } from './import-rehearsal';
import { readRepository, type Repository } from './read-repository';
import type { RepositoryFile } from './repository-files';

export interface ImportRequest {
  readonly files: readonly RepositoryFile[];
  readonly commonService: string;
  readonly parentEnvironment: string;
  readonly environments: ReadonlyMap<string, string>;
  readonly services: ReadonlySet<string>;
  readonly title: string | undefined;
  readonly emergency: string | undefined;
  readonly dryRun: boolean;
  readonly publish: boolean;
  readonly prune: boolean;
}

/** An import that has passed every check, with nothing written yet. */
export interface PlannedImport extends ImportPlan {
  readonly repository: Repository;
  /** What does not exist yet. */
  readonly created: CatalogAdditions;
  /** What publishing it would answer. */
  readonly rehearsed: PublishResult;
  /** The same plan for other heads. */
  again(head: LayerView): Promise<ImportPlan>;
}

/** Reads the repository, compares it with what is there, and checks the difference as publishing it would. */
@Injectable()
export class ImportPlanner {
  constructor(
    private readonly catalog: Catalog,
    private readonly reader: ReleaseReader,
    private readonly rehearsal: ImportRehearsal,
    @Inject(SETTINGS) private readonly settings: Settings,
    private readonly seals: KeptSeals,
  ) {}

  /** @throws DomainError `forbidden` unless the actor may do all of it, before anything tells what there is already */
  async plan(request: ImportRequest, { authority }: Actor): Promise<PlannedImport> {
    const repository = readRepository(request.files, { ...request, limits: this.settings.documents });
    const permission = request.publish ? 'publish' : 'edit';
    requireAllowed(authority, permission, repository.documents.map(({ layer }) => layer));
    if (!authority.allowsInEnvironment('view', request.parentEnvironment)) throw forbidden('view', 'in the parent environment');
    const created = await this.missing(repository, request.parentEnvironment);
    requireAllowed(authority, 'grant', created.services.map((service) => ({ service, environment: ROOT_ENVIRONMENT })));
    if (created.environments.length > 0 && !authority.allowsEverywhere('administer')) throw forbidden('administer', 'everything, to create environments');
    const catalog = this.catalog.with(created);
    const environments = catalog.environments().map(({ name }) => name);
    const again = async (head: LayerView): Promise<ImportPlan> => {
      const plan = await planImport(repository, { ...request, environments, isViewed: (layer) => authority.allows('view', layer) }, head);
      requireAllowed(authority, permission, plan.edits.map(({ layer }) => layer));
      return { ...plan, edits: await this.seals.keep(plan.edits) };
    };
    const plan = await again(this.reader.head);
    return { ...plan, repository, created, again, rehearsed: await this.rehearsal.run(plan.edits, catalog, authority) };
  }

  private async missing({ services, environments }: Repository, parentEnvironment: string): Promise<CatalogAdditions> {
    await this.catalog.ensureFresh();
    const parent = await this.catalog.environment(parentEnvironment);
    const knownServices = new Set(this.catalog.services().map(({ name }) => name));
    const knownEnvironments = new Set(this.catalog.environments().map(({ name }) => name));
    return {
      services: services.filter((name) => !knownServices.has(name)),
      environments: environments.filter((name) => !knownEnvironments.has(name)).map((name) => ({ name, parentId: parent.id })),
    };
  }
}
