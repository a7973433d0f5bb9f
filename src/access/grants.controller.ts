import { Body, Controller, Delete, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { ApiCreatedResponse, ApiNoContentResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { Idempotent } from '../http/idempotency/idempotent';
import { Needs } from '../http/needs';
import { ApiPage, type Page } from '../http/page';
import { CurrentActor } from '../http/request-context';
import type { Actor } from '../kernel/actor';
import { CreateGrant, GrantParams, GrantsQuery, GrantView } from './grants.dto';
import { GrantsService } from './grants.service';

@ApiTags('access')
@Controller('api/v1/grants')
export class GrantsController {
  constructor(private readonly grants: GrantsService) {}

  @Get()
  @Needs('grant', 'somewhere')
  @ApiOperation({ summary: 'What is granted where the caller may grant, by services' })
  @ApiPage(GrantView)
  list(@CurrentActor() actor: Actor, @Query() query: GrantsQuery): Promise<Page<GrantView>> {
    return this.grants.list(actor, query);
  }

  @Post()
  @Needs('grant', 'somewhere')
  @Idempotent()
  @ApiOperation({ summary: 'Grant a role', description: 'To a person, a group or a service token; never more than the caller has there.' })
  @ApiCreatedResponse({ type: GrantView })
  create(@CurrentActor() actor: Actor, @Body() body: CreateGrant): Promise<GrantView> {
    return this.grants.create(actor, body);
  }

  @Delete(':id')
  @Needs('grant', 'somewhere')
  @HttpCode(204)
  @ApiOperation({ summary: 'Take a grant away, with immediate effect: connections that are open by it are closed' })
  @ApiNoContentResponse()
  delete(@CurrentActor() actor: Actor, @Param() { id }: GrantParams): Promise<void> {
    return this.grants.delete(actor, id);
  }
}
