import { Body, Controller, Delete, HttpCode, Param, Patch, Post, Put, Query } from '@nestjs/common';
import { ApiConsumes, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { MEDIA_TYPES } from '../documents/media-type';
import { Idempotent } from '../http/idempotency/idempotent';
import { Needs } from '../http/needs';
import { DocumentParams, LayerNameParams } from '../http/params';
import { ContentType, CurrentActor, IfMatch } from '../http/request-context';
import { RawBody } from '../http/route-config';
import { Flag, WholeNumber } from '../http/shape';
import type { Actor } from '../kernel/actor';
import type { EntryKind } from '../releases/layer-entry';
import { publishView } from './change-views';
import { EmergencyField, IncludesBody, MessageField, PatchQuery, PublishQuery, PublishView, PutQuery } from './changes.dto';
import { DirectWrites, type DirectWriteOptions } from './direct-writes';
import type { EntryWrite } from './entry-writer';
import { Rollback } from './rollback';

class RollbackBody {
  @WholeNumber({ min: 0, description: 'The version whose content comes back; 0 empties the layer.' })
  version!: number;

  @MessageField()
  message?: string;

  @EmergencyField()
  emergency?: string;

  @Flag({ optional: true })
  dryRun?: boolean;
}

const PATCH_TYPES = ['application/merge-patch+json', 'application/json-patch+json'];

/** Writes to one layer, each published at once as a change of its own. */
@ApiTags('layers')
@Controller('api/v1/services/:service/environments/:environment')
export class LayerWritesController {
  constructor(
    private readonly writes: DirectWrites,
    private readonly rollback: Rollback,
  ) {}

  @Put('documents/:name')
  @Needs('publish', 'layer')
  @Idempotent()
  @RawBody()
  @ApiOperation({ summary: 'Replace a document by the source in the body' })
  @ApiConsumes(...Object.values(MEDIA_TYPES))
  @ApiOkResponse({ type: PublishView })
  putDocument(
    @Param() { name, ...layer }: DocumentParams,
    @Query() { format, keys, ...query }: PutQuery,
    @Body() source: Buffer,
    @ContentType() contentType: string | undefined,
    @IfMatch() ifMatch: string | undefined,
    @CurrentActor() actor: Actor,
  ): Promise<PublishView> {
    const write = { op: 'put', source: bytes(source), contentType, format, keys } as const;
    return this.write(layer, 'document', name, write, options(query, ifMatch, actor));
  }

  @Patch('documents/:name')
  @Needs('publish', 'layer')
  @Idempotent()
  @RawBody()
  @ApiOperation({ summary: 'Edit a document by key; comments, order and quoting of the rest stay' })
  @ApiConsumes(...PATCH_TYPES)
  @ApiOkResponse({ type: PublishView })
  patchDocument(
    @Param() { name, ...layer }: DocumentParams,
    @Query() { path, seal, ...query }: PatchQuery,
    @Body() body: Buffer,
    @ContentType() contentType: string | undefined,
    @IfMatch() ifMatch: string | undefined,
    @CurrentActor() actor: Actor,
  ): Promise<PublishView> {
    const write = { op: 'patch', body: bytes(body), contentType, path, seal: seal === true ? actor : undefined } as const;
    return this.write(layer, 'document', name, write, options(query, ifMatch, actor));
  }

  @Delete('documents/:name')
  @Needs('publish', 'layer')
  @Idempotent()
  @ApiOperation({ summary: 'Delete a document; what the layer inherits shows again' })
  @ApiOkResponse({ type: PublishView })
  deleteDocument(
    @Param() { name, ...layer }: DocumentParams,
    @Query() query: PublishQuery,
    @IfMatch() ifMatch: string | undefined,
    @CurrentActor() actor: Actor,
  ): Promise<PublishView> {
    return this.write(layer, 'document', name, { op: 'delete' }, options(query, ifMatch, actor));
  }

  @Put('schemas/:name')
  @Needs('publish', 'layer')
  @Idempotent()
  @RawBody()
  @ApiOperation({ summary: 'Attach a JSON Schema (draft 2020-12) to a document name' })
  @ApiConsumes('application/schema+json', 'application/json')
  @ApiOkResponse({ type: PublishView })
  putSchema(
    @Param() { name, ...layer }: DocumentParams,
    @Query() query: PublishQuery,
    @Body() source: Buffer,
    @IfMatch() ifMatch: string | undefined,
    @CurrentActor() actor: Actor,
  ): Promise<PublishView> {
    const write = { op: 'put', source: bytes(source), contentType: undefined } as const;
    return this.write(layer, 'schema', name, write, options(query, ifMatch, actor));
  }

  @Delete('schemas/:name')
  @Needs('publish', 'layer')
  @Idempotent()
  @ApiOperation({ summary: 'Detach the JSON Schema' })
  @ApiOkResponse({ type: PublishView })
  deleteSchema(
    @Param() { name, ...layer }: DocumentParams,
    @Query() query: PublishQuery,
    @IfMatch() ifMatch: string | undefined,
    @CurrentActor() actor: Actor,
  ): Promise<PublishView> {
    return this.write(layer, 'schema', name, { op: 'delete' }, options(query, ifMatch, actor));
  }

  @Put('includes')
  @Needs('publish', 'layer')
  @Idempotent()
  @ApiOperation({ summary: 'Declare the services whose configuration this layer builds on' })
  @ApiOkResponse({ type: PublishView })
  async putIncludes(
    @Param() layer: LayerNameParams,
    @Query() query: PublishQuery,
    @Body() { includes }: IncludesBody,
    @IfMatch() ifMatch: string | undefined,
    @CurrentActor() actor: Actor,
  ): Promise<PublishView> {
    return publishView(await this.writes.writeIncludes({ ...layer }, includes, options(query, ifMatch, actor)), actor);
  }

  @Delete('includes')
  @Needs('publish', 'layer')
  @Idempotent()
  @ApiOperation({ summary: 'Declare nothing here, and inherit the includes of the parent environment' })
  @ApiOkResponse({ type: PublishView })
  async deleteIncludes(
    @Param() layer: LayerNameParams,
    @Query() query: PublishQuery,
    @IfMatch() ifMatch: string | undefined,
    @CurrentActor() actor: Actor,
  ): Promise<PublishView> {
    return publishView(await this.writes.writeIncludes({ ...layer }, null, options(query, ifMatch, actor)), actor);
  }

  @Post('rollback')
  @HttpCode(200)
  @Needs('publish', 'layer')
  @Idempotent()
  @ApiOperation({ summary: 'Publish the content of an earlier version again' })
  @ApiOkResponse({ type: PublishView })
  async rollBack(
    @Param() layer: LayerNameParams,
    @Body() { version, message, emergency, dryRun = false }: RollbackBody,
    @CurrentActor() actor: Actor,
  ): Promise<PublishView> {
    return publishView(await this.rollback.layer({ ...layer }, version, { actor, message, emergency, dryRun }), actor);
  }

  private async write(
    layer: LayerNameParams,
    kind: EntryKind,
    name: string,
    write: EntryWrite,
    writeOptions: DirectWriteOptions,
  ): Promise<PublishView> {
    return publishView(await this.writes.write({ ...layer }, kind, name, write, writeOptions), writeOptions.actor);
  }
}

function options({ message, emergency, dryRun = false }: PublishQuery, ifMatch: string | undefined, actor: Actor): DirectWriteOptions {
  return { actor, message, emergency, ifMatch, dryRun };
}

/** A request without a body has none, not an empty one. */
function bytes(body: Buffer | undefined): Buffer {
  return body ?? Buffer.alloc(0);
}
