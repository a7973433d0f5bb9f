import { Controller, Delete, Get, HttpCode, Param, Put, Query } from '@nestjs/common';
import { ApiNoContentResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { Needs } from '../http/needs';
import { ApiPage, PageQuery, type Page } from '../http/page';
import { CurrentActor } from '../http/request-context';
import type { Actor } from '../kernel/actor';
import { GroupsService } from './groups.service';
import { GroupMemberParams, GroupMemberView, GroupParams, GroupView } from './people.dto';

@ApiTags('people')
@Controller('api/v1/groups')
export class GroupsController {
  constructor(private readonly groups: GroupsService) {}

  @Get()
  @Needs('administer', 'everywhere')
  @ApiOperation({ summary: 'The groups that somebody belongs to, by name' })
  @ApiPage(GroupView)
  list(@Query() query: PageQuery): Promise<Page<GroupView>> {
    return this.groups.list(query);
  }

  @Get(':group/members')
  @Needs('administer', 'everywhere')
  @ApiOperation({ summary: 'Who belongs to a group, by name' })
  @ApiPage(GroupMemberView)
  members(@Param() { group }: GroupParams, @Query() query: PageQuery): Promise<Page<GroupMemberView>> {
    return this.groups.members(group, query);
  }

  @Put(':group/members/:id')
  @Needs('administer', 'everywhere')
  @HttpCode(204)
  @ApiOperation({ summary: 'Put a person into a group' })
  @ApiNoContentResponse()
  add(@CurrentActor() actor: Actor, @Param() { group, id }: GroupMemberParams): Promise<void> {
    return this.groups.add(actor, group, id);
  }

  @Delete(':group/members/:id')
  @Needs('administer', 'everywhere')
  @HttpCode(204)
  @ApiOperation({ summary: 'Take a person out of a group', description: 'Whom the identity provider counts among the group stays in it by its word.' })
  @ApiNoContentResponse()
  remove(@CurrentActor() actor: Actor, @Param() { group, id }: GroupMemberParams): Promise<void> {
    return this.groups.remove(actor, group, id);
  }
}
