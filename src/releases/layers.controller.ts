import { Controller, Get, Param, Query, Res } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiProduces, ApiTags } from '@nestjs/swagger';
import { MEDIA_TYPES, mediaTypeOf } from '../documents/media-type';
import { Needs } from '../http/needs';
import { ApiPage, decodeCursor, pageOf, PageQuery, type Page } from '../http/page';
import { DocumentParams, LayerNameParams } from '../http/params';
import { notModified } from '../http/preconditions';
import { CurrentActor, IfNoneMatch, type FastifyReply } from '../http/request-context';
import { WholeNumber } from '../http/shape';
import type { Actor } from '../kernel/actor';
import { EffectiveReader } from './effective-reader';
import { History } from './history';
import { LayerReader } from './layer-reader';
import { ComparisonView, effectiveView, EffectiveView, entryTag, IncludesView, LayerView, ReleaseSummaryView } from './layer-views';

class AsOfQuery {
  @WholeNumber({ min: 0, optional: true, description: 'Read as it was right after this revision.' })
  asOf?: number;
}

class VersionParams extends LayerNameParams {
  @WholeNumber({ min: 1 })
  version!: number;
}

class CompareQuery {
  @WholeNumber({ min: 0, description: 'A version; 0 is the empty layer.' })
  from!: number;

  @WholeNumber({ min: 0 })
  to!: number;
}

@ApiTags('layers')
@Controller('api/v1/services/:service/environments/:environment')
export class LayersController {
  constructor(
    private readonly layers: LayerReader,
    private readonly history: History,
    private readonly effective: EffectiveReader,
  ) {}

  @Get()
  @Needs('view', 'layer')
  @ApiOperation({ summary: 'What one layer holds' })
  @ApiOkResponse({ type: LayerView })
  layer(@Param() layer: LayerNameParams, @Query() { asOf }: AsOfQuery): Promise<LayerView> {
    return this.layers.layer(layer, asOf);
  }

  @Get('documents/:name')
  @Needs('view', 'layer')
  @ApiOperation({ summary: 'The source of one document, exactly as it was written' })
  @ApiProduces(...Object.values(MEDIA_TYPES))
  async document(
    @Param() { name, ...layer }: DocumentParams,
    @Query() { asOf }: AsOfQuery,
    @IfNoneMatch() ifNoneMatch: string | undefined,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    await this.send('document', layer, name, asOf, ifNoneMatch, reply);
  }

  @Get('schemas/:name')
  @Needs('view', 'layer')
  @ApiOperation({ summary: 'The JSON Schema this layer attaches to a document name' })
  async schema(
    @Param() { name, ...layer }: DocumentParams,
    @Query() { asOf }: AsOfQuery,
    @IfNoneMatch() ifNoneMatch: string | undefined,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    await this.send('schema', layer, name, asOf, ifNoneMatch, reply);
  }

  @Get('includes')
  @Needs('view', 'layer')
  @ApiOperation({ summary: 'The includes this layer declares; the ETag is for If-Match' })
  @ApiOkResponse({ type: IncludesView })
  async includes(
    @Param() layer: LayerNameParams,
    @Query() { asOf }: AsOfQuery,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<IncludesView> {
    const { entry, includes } = await this.layers.includes({ ...layer }, asOf);
    if (entry) void reply.header('etag', entryTag(entry));
    return { includes };
  }

  @Get('effective')
  @Needs('view', 'layer')
  @ApiOperation({ summary: 'What an instance of the service receives here, and where every key comes from' })
  @ApiOkResponse({ type: EffectiveView })
  async effectiveConfig(@Param() target: LayerNameParams, @Query() { asOf }: AsOfQuery): Promise<EffectiveView> {
    return effectiveView(await this.effective.read({ ...target }, asOf));
  }

  @Get('releases')
  @Needs('view', 'layer')
  @ApiOperation({ summary: 'Versions of the layer, newest first' })
  @ApiPage(ReleaseSummaryView)
  async releases(@Param() layer: LayerNameParams, @Query() { cursor, limit }: PageQuery, @CurrentActor() { authority }: Actor): Promise<Page<ReleaseSummaryView>> {
    const before = decodeCursor(cursor, 'number')?.[0];
    const rows = await this.history.releases(authority, layer, before, limit + 1);
    return pageOf(rows, limit, ({ version }) => [version], (row) => row);
  }

  @Get('releases/:version')
  @Needs('view', 'layer')
  @ApiOperation({ summary: 'What the layer held in one version' })
  @ApiOkResponse({ type: LayerView })
  async release(@Param() { version, ...layer }: VersionParams): Promise<LayerView> {
    return this.layers.view(layer, await this.history.release(layer, version));
  }

  @Get('compare')
  @Needs('view', 'layer')
  @ApiOperation({ summary: 'How two versions of the layer differ, by text and by key' })
  @ApiOkResponse({ type: ComparisonView })
  async compare(@Param() layer: LayerNameParams, @Query() { from, to }: CompareQuery): Promise<ComparisonView> {
    return { entries: await this.history.compare(layer, from, to) };
  }

  private async send(
    kind: 'document' | 'schema',
    layer: LayerNameParams,
    name: string,
    asOf: number | undefined,
    ifNoneMatch: string | undefined,
    reply: FastifyReply,
  ): Promise<void> {
    const { release, entry, source } = await this.layers.source({ ...layer }, kind, name, asOf);
    const etag = entryTag(entry);
    void reply.headers({
      etag,
      'trimtab-version': release.version,
      'trimtab-revision': release.revision,
      'trimtab-keys': entry.type.keys,
    });
    if (notModified(ifNoneMatch, etag)) await reply.code(304).send();
    else await reply.type(mediaTypeOf(entry.type.format)).send(Buffer.from(source, 'utf8'));
  }
}
