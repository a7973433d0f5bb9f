import { Body, Controller, Delete, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { ApiCreatedResponse, ApiNoContentResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { Needs } from '../http/needs';
import { ApiPage, type Page } from '../http/page';
import { CurrentActor } from '../http/request-context';
import type { Actor } from '../kernel/actor';
import { CreatedToken, CreateToken, CredentialParams, CredentialsQuery, RotateCredential, TokenView } from './credentials.dto';
import { TokensService } from './tokens.service';

@ApiTags('access')
@Controller('api/v1/tokens')
export class TokensController {
  constructor(private readonly tokens: TokensService) {}

  @Get()
  @Needs('signed-in')
  @ApiOperation({ summary: 'One\'s own tokens, and the service tokens of what the caller may grant, by name' })
  @ApiPage(TokenView)
  list(@CurrentActor() actor: Actor, @Query() query: CredentialsQuery): Promise<Page<TokenView>> {
    return this.tokens.list(actor, query);
  }

  @Post()
  @Needs('signed-in')
  @ApiOperation({
    summary: 'Create a service token, or a personal one',
    description: 'A service token may do what it is granted, never more than the caller could grant. A personal token may do what its person may, within its grants if it has any. Takes no Idempotency-Key: an answer with a secret is not stored.',
  })
  @ApiCreatedResponse({ type: CreatedToken })
  create(@CurrentActor() actor: Actor, @Body() body: CreateToken): Promise<CreatedToken> {
    return this.tokens.create(actor, body);
  }

  @Post(':id/rotate')
  @Needs('signed-in')
  @HttpCode(200)
  @ApiOperation({ summary: 'Give a token a new secret; the one before goes on for the overlap', description: 'Connections that were opened with the secret before end with it. A token may rotate itself. Takes no Idempotency-Key.' })
  @ApiOkResponse({ type: CreatedToken })
  rotate(@CurrentActor() actor: Actor, @Param() { id }: CredentialParams, @Body() body: RotateCredential): Promise<CreatedToken> {
    return this.tokens.rotate(actor, id, body);
  }

  @Delete(':id')
  @Needs('signed-in')
  @HttpCode(204)
  @ApiOperation({ summary: 'Revoke a token, with immediate effect', description: 'A token may revoke itself.' })
  @ApiNoContentResponse()
  revoke(@CurrentActor() actor: Actor, @Param() { id }: CredentialParams): Promise<void> {
    return this.tokens.revoke(actor, id);
  }
}
