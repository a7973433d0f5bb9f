import { Controller, Get, Query } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { forbidden } from '../access/decide';
import { layersWith } from '../access/layer-set';
import { Catalog } from '../catalog/catalog';
import { Needs } from '../http/needs';
import { ApiPage, decodeCursor, pageOf, type Page } from '../http/page';
import { CurrentActor } from '../http/request-context';
import type { Actor } from '../kernel/actor';
import type { Authority } from '../kernel/authority';
import { Convergence } from './convergence';
import { InstanceDirectory, orderOf } from './instance-directory';
import type { InstanceFilter, OutcomeFilter } from './instance-filter';
import { InstancesQuery, instanceView, InstanceView } from './instances.dto';

@ApiTags('instances')
@Controller('api/v1/instances')
export class InstancesController {
  constructor(
    private readonly directory: InstanceDirectory,
    private readonly convergence: Convergence,
    private readonly catalog: Catalog,
  ) {}

  @Get()
  @Needs('view', 'somewhere')
  @ApiOperation({ summary: 'Who is connected to any replica, of what you may view, and what each applied or refused' })
  @ApiPage(InstanceView, { complete: { type: 'boolean', description: 'False when instances may be missing: the database cannot be asked, or a replica has just come back and is still telling.' } })
  async list(@CurrentActor() actor: Actor, @Query() query: InstancesQuery): Promise<Page<InstanceView> & { complete: boolean }> {
    const { cursor, limit } = query;
    const after = decodeCursor(cursor, 'string', 'string', 'string', 'string', 'string');
    const { instances, complete } = await this.directory.list(await this.filterOf(actor, query), after, limit + 1);
    return { ...pageOf(instances, limit, orderOf, instanceView), complete };
  }

  private async filterOf({ authority }: Actor, { service, environment, below, revision, behind, state, label }: InstancesQuery): Promise<InstanceFilter> {
    return {
      viewed: layersWith(authority, 'view', this.catalog.knownDescendantNames),
      ...(service === undefined ? {} : { service }),
      ...(environment === undefined && below === undefined ? {} : { environments: await this.environmentsOf(authority, environment, below) }),
      ...(revision === undefined ? {} : { revision }),
      ...(state === undefined ? {} : { state }),
      ...(label === undefined ? {} : { labels: [label].flat().map(labelOf) }),
      ...(behind === undefined ? {} : { outcome: await this.behind(authority, behind) }),
    };
  }

  /** Those of `below` that are `environment`, where both are given. */
  private async environmentsOf(authority: Authority, environment: string | undefined, below: string | undefined): Promise<string[]> {
    if (below === undefined) return environment === undefined ? [] : [environment];
    // The same whether or not there is such an environment.
    if (!authority.allowsInEnvironment('view', below)) throw forbidden('view', 'in this environment');
    await this.catalog.environment(below);
    const names = this.catalog.descendants(below).map(({ name }) => name);
    return environment === undefined ? names : names.filter((name) => name === environment);
  }

  private async behind(authority: Authority, revision: number): Promise<OutcomeFilter> {
    const { targets } = await this.convergence.now(authority, revision);
    return { revision, outcomes: ['pending', 'refused', 'silent'], targets };
  }
}

function labelOf(text: string): readonly [string, string] {
  const colon = text.indexOf(':');
  return [text.slice(0, colon), text.slice(colon + 1)];
}
