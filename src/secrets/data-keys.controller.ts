import { Controller, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { ApiCreatedResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { Needs } from '../http/needs';
import { ApiPage, decodeCursor, pageOf, PageQuery, type Page } from '../http/page';
import { ServiceParams } from '../http/params';
import { CurrentActor } from '../http/request-context';
import type { Actor } from '../kernel/actor';
import { KeyListing } from './key-listing';
import { KeyRing } from './key-ring';
import { DataKeyView, RewrapView } from './secrets.dto';

@ApiTags('secrets')
@Controller('api/v1')
export class DataKeysController {
  constructor(
    private readonly ring: KeyRing,
    private readonly listing: KeyListing,
  ) {}

  @Get('data-keys')
  @Needs('administer', 'everywhere')
  @ApiOperation({ summary: 'The keys that secrets are sealed with, and the master keys these are wrapped with' })
  @ApiPage(DataKeyView)
  async list(@Query() { cursor, limit }: PageQuery): Promise<Page<DataKeyView>> {
    const rows = await this.listing.list(decodeCursor(cursor, 'string', 'string'), limit + 1);
    return pageOf(rows, limit, ({ service, id }) => [service, id], (row) => row);
  }

  @Post('data-keys/rewrap')
  @HttpCode(200)
  @Needs('administer', 'everywhere')
  @ApiOperation({ summary: 'Wrap all data keys with the current master key, after which the others can be dropped', description: 'No document gets a new version.' })
  @ApiOkResponse({ type: RewrapView })
  rewrap(@CurrentActor() actor: Actor): Promise<RewrapView> {
    return this.ring.rewrap(actor);
  }

  @Post('services/:service/data-keys')
  @Needs('administer', 'everywhere')
  @ApiOperation({ summary: 'Start a new data key for a service', description: 'What was sealed before can still be read; what is sealed from now on is sealed with the new key.' })
  @ApiCreatedResponse({ type: DataKeyView })
  start(@Param() { service }: ServiceParams, @CurrentActor() actor: Actor): Promise<DataKeyView> {
    return this.ring.startNew(service, actor);
  }
}
