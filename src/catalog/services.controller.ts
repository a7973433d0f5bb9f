import { Body, Controller, Delete, Get, Param, Patch, Post, Query, UseInterceptors } from '@nestjs/common';
import { ApiCreatedResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { EntityTagInterceptor } from '../http/entity-tag.interceptor';
import { Idempotent } from '../http/idempotency/idempotent';
import { Needs } from '../http/needs';
import { ApiPage, type Page } from '../http/page';
import { ServiceParams } from '../http/params';
import { CurrentActor, IfMatch } from '../http/request-context';
import type { Actor } from '../kernel/actor';
import { CreateService, ServicesQuery, ServiceView, UpdateService } from './services.dto';
import { ServicesService } from './services.service';

@ApiTags('catalog')
@Controller('api/v1/services')
export class ServicesController {
  constructor(private readonly services: ServicesService) {}

  @Get()
  @Needs('view', 'somewhere')
  @ApiOperation({ summary: 'The services of which you may view anything, by name' })
  @ApiPage(ServiceView)
  list(@CurrentActor() actor: Actor, @Query() query: ServicesQuery): Promise<Page<ServiceView>> {
    return this.services.list(actor, query);
  }

  @Post()
  @Needs('grant', 'somewhere')
  @Idempotent()
  @UseInterceptors(EntityTagInterceptor)
  @ApiOperation({ summary: 'Create a service' })
  @ApiCreatedResponse({ type: ServiceView })
  create(@CurrentActor() actor: Actor, @Body() body: CreateService): Promise<ServiceView> {
    return this.services.create(actor, body);
  }

  @Get(':service')
  @Needs('view', 'service')
  @UseInterceptors(EntityTagInterceptor)
  @ApiOperation({ summary: 'One service' })
  @ApiOkResponse({ type: ServiceView })
  get(@Param() { service }: ServiceParams): Promise<ServiceView> {
    return this.services.get(service);
  }

  @Patch(':service')
  @Needs('grant', 'whole-service')
  @Idempotent()
  @UseInterceptors(EntityTagInterceptor)
  @ApiOperation({ summary: 'Describe a service, archive it or bring it back' })
  @ApiOkResponse({ type: ServiceView })
  update(
    @CurrentActor() actor: Actor,
    @Param() { service }: ServiceParams,
    @Body() body: UpdateService,
    @IfMatch() ifMatch: string | undefined,
  ): Promise<ServiceView> {
    return this.services.update(actor, service, body, ifMatch);
  }

  @Delete(':service')
  @Needs('grant', 'whole-service')
  @UseInterceptors(EntityTagInterceptor)
  @ApiOperation({ summary: 'Archive a service: it takes no more changes, and what reads it keeps reading it' })
  @ApiOkResponse({ type: ServiceView })
  archive(@CurrentActor() actor: Actor, @Param() { service }: ServiceParams, @IfMatch() ifMatch: string | undefined): Promise<ServiceView> {
    return this.services.archive(actor, service, ifMatch);
  }
}
