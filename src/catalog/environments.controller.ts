import { Body, Controller, Get, Param, Patch, Post, Query, UseInterceptors } from '@nestjs/common';
import { ApiCreatedResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { EntityTagInterceptor } from '../http/entity-tag.interceptor';
import { Idempotent } from '../http/idempotency/idempotent';
import { Needs } from '../http/needs';
import { ApiPage, type Page } from '../http/page';
import { EnvironmentParams } from '../http/params';
import { CurrentActor, IfMatch } from '../http/request-context';
import type { Actor } from '../kernel/actor';
import { CreateEnvironment, EnvironmentsQuery, EnvironmentView, UpdateEnvironment } from './environments.dto';
import { EnvironmentsService } from './environments.service';

@ApiTags('catalog')
@Controller('api/v1/environments')
export class EnvironmentsController {
  constructor(private readonly environments: EnvironmentsService) {}

  @Get()
  @Needs('view', 'somewhere')
  @ApiOperation({ summary: 'The environments in which you may view anything, by name' })
  @ApiPage(EnvironmentView)
  list(@CurrentActor() actor: Actor, @Query() query: EnvironmentsQuery): Promise<Page<EnvironmentView>> {
    return this.environments.list(actor, query);
  }

  @Post()
  @Needs('administer', 'everywhere')
  @Idempotent()
  @UseInterceptors(EntityTagInterceptor)
  @ApiOperation({ summary: 'Create an environment below another' })
  @ApiCreatedResponse({ type: EnvironmentView })
  create(@CurrentActor() actor: Actor, @Body() body: CreateEnvironment): Promise<EnvironmentView> {
    return this.environments.create(actor, body);
  }

  @Get(':environment')
  @Needs('view', 'environment')
  @UseInterceptors(EntityTagInterceptor)
  @ApiOperation({ summary: 'One environment' })
  @ApiOkResponse({ type: EnvironmentView })
  get(@Param() { environment }: EnvironmentParams): Promise<EnvironmentView> {
    return this.environments.get(environment);
  }

  @Patch(':environment')
  @Needs('administer', 'everywhere')
  @Idempotent()
  @UseInterceptors(EntityTagInterceptor)
  @ApiOperation({ summary: 'Describe an environment' })
  @ApiOkResponse({ type: EnvironmentView })
  update(
    @CurrentActor() actor: Actor,
    @Param() { environment }: EnvironmentParams,
    @Body() body: UpdateEnvironment,
    @IfMatch() ifMatch: string | undefined,
  ): Promise<EnvironmentView> {
    return this.environments.update(actor, environment, body, ifMatch);
  }
}
