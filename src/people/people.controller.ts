import { Body, Controller, Get, Param, Patch, Post, Query } from '@nestjs/common';
import { ApiCreatedResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { Needs } from '../http/needs';
import { ApiPage, type Page } from '../http/page';
import { CurrentActor } from '../http/request-context';
import type { Actor } from '../kernel/actor';
import { CreatedPerson, CreatePerson, PeopleQuery, PersonLinkView, PersonParams, PersonView, UpdatePerson } from './people.dto';
import { PeopleService } from './people.service';

@ApiTags('people')
@Controller('api/v1/people')
export class PeopleController {
  constructor(private readonly people: PeopleService) {}

  @Get()
  @Needs('administer', 'everywhere')
  @ApiOperation({ summary: 'The people, by name' })
  @ApiPage(PersonView)
  list(@Query() query: PeopleQuery): Promise<Page<PersonView>> {
    return this.people.list(query);
  }

  @Post()
  @Needs('administer', 'everywhere')
  @ApiOperation({ summary: 'Invite somebody', description: 'They may do nothing until something is granted to them. Takes no Idempotency-Key: an answer with a secret is not stored.' })
  @ApiCreatedResponse({ type: CreatedPerson })
  create(@CurrentActor() actor: Actor, @Body() body: CreatePerson): Promise<CreatedPerson> {
    return this.people.create(actor, body);
  }

  @Get(':id')
  @Needs('administer', 'everywhere')
  @ApiOperation({ summary: 'One person' })
  @ApiOkResponse({ type: PersonView })
  get(@Param() { id }: PersonParams): Promise<PersonView> {
    return this.people.get(id);
  }

  @Patch(':id')
  @Needs('administer', 'everywhere')
  @ApiOperation({ summary: 'Rename, disable or enable a person' })
  @ApiOkResponse({ type: PersonView })
  update(@CurrentActor() actor: Actor, @Param() { id }: PersonParams, @Body() body: UpdatePerson): Promise<PersonView> {
    return this.people.update(actor, id, body);
  }

  @Post(':id/links')
  @Needs('administer', 'everywhere')
  @ApiOperation({ summary: 'A new link with which the person sets a password', description: 'The one there was is good no longer. The password there is stays until the new link is used.' })
  @ApiCreatedResponse({ type: PersonLinkView })
  link(@CurrentActor() actor: Actor, @Param() { id }: PersonParams): Promise<PersonLinkView> {
    return this.people.link(actor, id);
  }
}
