import { Body, Controller, Delete, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { ApiCreatedResponse, ApiNoContentResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { Needs } from '../http/needs';
import { ApiPage, type Page } from '../http/page';
import { CurrentActor } from '../http/request-context';
import type { Actor } from '../kernel/actor';
import { ClientKeyView, CreateClientKey, CreatedClientKey, CredentialParams, CredentialsQuery } from './credentials.dto';
import { CredentialsService } from './credentials.service';

@ApiTags('access')
@Controller('api/v1/client-keys')
export class ClientKeysController {
  constructor(private readonly credentials: CredentialsService) {}

  @Get()
  @Needs('administer', 'everywhere')
  @ApiOperation({ summary: 'The client keys, by name' })
  @ApiPage(ClientKeyView)
  list(@Query() query: CredentialsQuery): Promise<Page<ClientKeyView>> {
    return this.credentials.listClientKeys(query);
  }

  @Post()
  @Needs('administer', 'everywhere')
  @ApiOperation({ summary: 'Create a key that reads configuration', description: 'Takes no Idempotency-Key: an answer with a secret is not stored.' })
  @ApiCreatedResponse({ type: CreatedClientKey })
  create(@CurrentActor() actor: Actor, @Body() body: CreateClientKey): Promise<CreatedClientKey> {
    return this.credentials.createClientKey(actor, body);
  }

  @Delete(':id')
  @Needs('administer', 'everywhere')
  @HttpCode(204)
  @ApiOperation({ summary: 'Revoke a client key: connections that are open with it are closed' })
  @ApiNoContentResponse()
  revoke(@CurrentActor() actor: Actor, @Param() { id }: CredentialParams): Promise<void> {
    return this.credentials.revoke(actor, 'client-key', id);
  }
}
