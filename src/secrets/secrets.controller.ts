import { Body, Controller, HttpCode, Param, Post } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { Needs } from '../http/needs';
import { LayerNameParams } from '../http/params';
import { CurrentActor } from '../http/request-context';
import { SecretBody } from '../http/route-config';
import type { Actor } from '../kernel/actor';
import { Reveal } from './reveal';
import { Sealer } from './sealer';
import { RevealBody, RevealedView, SealBody, SealedView } from './secrets.dto';

@ApiTags('secrets')
@Controller('api/v1/services/:service/environments/:environment')
export class SecretsController {
  constructor(
    private readonly sealer: Sealer,
    private readonly secrets: Reveal,
  ) {}

  @Post('seal')
  @HttpCode(200)
  @Needs('edit', 'layer')
  @SecretBody()
  @ApiOperation({ summary: 'Seal a value for this layer', description: 'Nothing is stored: put the answer into a document. It can be read in this layer only. Takes no Idempotency-Key.' })
  @ApiOkResponse({ type: SealedView })
  async seal(@Param() { service, environment }: LayerNameParams, @Body() { value }: SealBody, @CurrentActor() actor: Actor): Promise<SealedView> {
    return { sealed: await this.sealer.seal({ service, environment }, value, actor) };
  }

  @Post('reveal')
  @HttpCode(200)
  @Needs('reveal', 'layer')
  @ApiOperation({ summary: 'Show sealed values of the effective config in clear text', description: 'Every call is recorded in the audit, and so is every refusal. Takes no Idempotency-Key: the answer is not stored.' })
  @ApiOkResponse({ type: RevealedView })
  reveal(@Param() { service, environment }: LayerNameParams, @Body() { document, path, asOf }: RevealBody, @CurrentActor() actor: Actor): Promise<RevealedView> {
    return this.secrets.reveal({ service, environment }, { document, path, asOf }, actor);
  }
}
