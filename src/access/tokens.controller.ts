import { Body, Controller, Delete, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { ApiCreatedResponse, ApiNoContentResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { Needs } from '../http/needs';
import { ApiPage, type Page } from '../http/page';
import { CurrentActor } from '../http/request-context';
import type { Actor } from '../kernel/actor';
import { CreatedToken, CreateToken, CredentialParams, CredentialsQuery, TokenView } from './credentials.dto';
import { CredentialsService } from './credentials.service';

@ApiTags('access')
@Controller('api/v1/tokens')
export class TokensController {
  constructor(private readonly credentials: CredentialsService) {}

  @Get()
  @Needs('administer', 'everywhere')
  @ApiOperation({ summary: 'The administrator tokens, by name' })
  @ApiPage(TokenView)
  list(@Query() query: CredentialsQuery): Promise<Page<TokenView>> {
    return this.credentials.listTokens(query);
  }

  @Post()
  @Needs('administer', 'everywhere')
  @ApiOperation({ summary: 'Create an administrator token', description: 'Takes no Idempotency-Key: an answer with a secret is not stored.' })
  @ApiCreatedResponse({ type: CreatedToken })
  create(@CurrentActor() actor: Actor, @Body() body: CreateToken): Promise<CreatedToken> {
    return this.credentials.createToken(actor, body);
  }

  @Delete(':id')
  @Needs('administer', 'everywhere')
  @HttpCode(204)
  @ApiOperation({ summary: 'Revoke an administrator token, with immediate effect' })
  @ApiNoContentResponse()
  revoke(@CurrentActor() actor: Actor, @Param() { id }: CredentialParams): Promise<void> {
    return this.credentials.revoke(actor, 'token', id);
  }
}
