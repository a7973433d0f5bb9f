import { Body, Controller, Delete, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { ApiCreatedResponse, ApiNoContentResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { Needs } from '../http/needs';
import { ApiPage, type Page } from '../http/page';
import { CurrentActor } from '../http/request-context';
import type { Actor } from '../kernel/actor';
import { ClientKeysService } from './client-keys.service';
import { ClientKeyView, CreateClientKey, CreatedClientKey, CredentialParams, CredentialsQuery, RotateCredential } from './credentials.dto';

@ApiTags('access')
@Controller('api/v1/client-keys')
export class ClientKeysController {
  constructor(private readonly keys: ClientKeysService) {}

  @Get()
  @Needs('grant', 'somewhere')
  @ApiOperation({ summary: 'The client keys of what the caller may grant, by name' })
  @ApiPage(ClientKeyView)
  list(@CurrentActor() actor: Actor, @Query() query: CredentialsQuery): Promise<Page<ClientKeyView>> {
    return this.keys.list(actor, query);
  }

  @Post()
  @Needs('grant', 'somewhere')
  @ApiOperation({ summary: 'Create a key that reads configuration', description: 'Takes no Idempotency-Key: an answer with a secret is not stored.' })
  @ApiCreatedResponse({ type: CreatedClientKey })
  create(@CurrentActor() actor: Actor, @Body() body: CreateClientKey): Promise<CreatedClientKey> {
    return this.keys.create(actor, body);
  }

  @Post(':id/rotate')
  @Needs('grant', 'somewhere')
  @HttpCode(200)
  @ApiOperation({ summary: 'Give a client key a new secret; the one before goes on for the overlap', description: 'Connections that were opened with the secret before end with it. Takes no Idempotency-Key.' })
  @ApiOkResponse({ type: CreatedClientKey })
  rotate(@CurrentActor() actor: Actor, @Param() { id }: CredentialParams, @Body() body: RotateCredential): Promise<CreatedClientKey> {
    return this.keys.rotate(actor, id, body);
  }

  @Delete(':id')
  @Needs('grant', 'somewhere')
  @HttpCode(204)
  @ApiOperation({ summary: 'Revoke a client key: connections that are open with it are closed' })
  @ApiNoContentResponse()
  revoke(@CurrentActor() actor: Actor, @Param() { id }: CredentialParams): Promise<void> {
    return this.keys.revoke(actor, id);
  }
}
