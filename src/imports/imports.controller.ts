import { Body, Controller, HttpCode, Post, Res } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { JsonValue } from '@trimtab/client/protocol';
import { approvalsView } from '../changes/review.dto';
import { isJsonObject } from '../documents/json-object';
import { formatPointer } from '../documents/pointer';
import { Idempotent } from '../http/idempotency/idempotent';
import { Needs } from '../http/needs';
import { CurrentActor, type FastifyReply } from '../http/request-context';
import type { Actor } from '../kernel/actor';
import { DomainError } from '../kernel/domain-error';
import { LABEL_PATTERN, ROOT_ENVIRONMENT } from '../kernel/names';
import { Importer, type ImportResult } from './importer';
import { ImportBody, ImportView } from './imports.dto';

@ApiTags('changes')
@Controller('api/v1/imports')
export class ImportsController {
  constructor(private readonly importer: Importer) {}

  @Post()
  @HttpCode(200)
  @Needs('edit', 'somewhere')
  @Idempotent()
  @ApiOperation({ summary: 'Make the files of a Spring Cloud Config repository services, environments and layers, as one change' })
  @ApiOkResponse({ type: ImportView })
  async import(@Body() body: ImportBody, @CurrentActor() actor: Actor, @Res({ passthrough: true }) reply: FastifyReply): Promise<ImportView> {
    const result = await this.importer.run(
      {
        files: body.files,
        commonService: body.commonService ?? 'application',
        parentEnvironment: body.parentEnvironment ?? ROOT_ENVIRONMENT,
        environments: environmentsOf(body.environments ?? {}),
        services: new Set(body.services),
        title: body.title,
        emergency: body.emergency,
        dryRun: body.dryRun ?? false,
        publish: body.publish ?? true,
        prune: body.prune ?? false,
      },
      actor,
    );
    if (result.change !== undefined) void reply.header('location', `/api/v1/changes/${result.change}`);
    return importView(result, actor);
  }
}

function environmentsOf(input: JsonValue): Map<string, string> {
  if (!isJsonObject(input)) throw new DomainError('malformed_request', 'environments must be an object: { "profile": "environment" }.', { pointer: '/environments' });
  return new Map(
    Object.entries(input).map(([profile, environment]) => {
      if (typeof environment === 'string' && LABEL_PATTERN.test(environment)) return [profile, environment];
      throw new DomainError('malformed_request', `The profile '${profile}' needs the name of an environment: lower case letters, digits and hyphens.`, {
        pointer: formatPointer(['environments', profile]),
      });
    }),
  );
}

function importView({ revision, change, layers, impact, truncated, approvals, leftover, repository, created }: ImportResult, actor: Actor): ImportView {
  const newServices = new Set(created.services);
  const newEnvironments = new Set(created.environments.map(({ name }) => name));
  return {
    ...(revision === undefined ? {} : { revision }),
    ...(change === undefined ? {} : { change }),
    services: repository.services.map((name) => ({ name, created: newServices.has(name) })),
    environments: repository.environments.map((name) => ({ name, created: newEnvironments.has(name) })),
    layers,
    impact: impact.map(({ service, environment, instances, documents }) => ({
      service,
      environment,
      instances,
      keys: documents.reduce((sum, { changes }) => sum + changes.length, 0),
    })),
    ...(truncated && { truncated }),
    ...(approvals && { approvals: approvalsView(approvals, actor) }),
    leftover,
    ignored: repository.ignored,
    warnings: repository.warnings,
  };
}
