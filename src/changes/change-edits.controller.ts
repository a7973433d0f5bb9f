import { Body, Controller, Delete, Param, Patch, Put, Query } from '@nestjs/common';
import { ApiConsumes, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { MEDIA_TYPES } from '../documents/media-type';
import { Needs } from '../http/needs';
import { ContentType, CurrentActor, IfMatch } from '../http/request-context';
import { RawBody } from '../http/route-config';
import type { Actor } from '../kernel/actor';
import { INCLUDES_NAME } from '../releases/layer-entry';
import { ChangeEdits } from './change-edits';
import { changeSummary } from './change-views';
import { ChangeDocumentParams, ChangeLayerParams, ChangeSummaryView, EditPatchQuery, EditPutQuery, IncludesBody } from './changes.dto';
import type { Change } from './change.entity';

/** The edits of a draft. Nothing here is seen by any service until the change is published. */
@ApiTags('changes')
@Controller('api/v1/changes/:id/services/:service/environments/:environment')
export class ChangeEditsController {
  constructor(private readonly edits: ChangeEdits) {}

  @Put('documents/:name')
  @Needs('edit', 'change')
  @RawBody()
  @ApiOperation({ summary: 'Propose the source in the body for a document' })
  @ApiConsumes(...Object.values(MEDIA_TYPES))
  @ApiOkResponse({ type: ChangeSummaryView })
  putDocument(
    @Param() { id, name, ...layer }: ChangeDocumentParams,
    @Query() { format, keys }: EditPutQuery,
    @Body() source: Buffer | undefined,
    @ContentType() contentType: string | undefined,
    @IfMatch() ifMatch: string | undefined,
    @CurrentActor() actor: Actor,
  ): Promise<ChangeSummaryView> {
    const write = { op: 'put', source: source ?? Buffer.alloc(0), contentType, format, keys } as const;
    return view(this.edits.write(id, { layer: { ...layer }, kind: 'document', name }, write, actor, ifMatch));
  }

  @Patch('documents/:name')
  @Needs('edit', 'change')
  @RawBody()
  @ApiOperation({ summary: 'Propose an edit by key; it builds on what the change already proposes' })
  @ApiConsumes('application/merge-patch+json', 'application/json-patch+json')
  @ApiOkResponse({ type: ChangeSummaryView })
  patchDocument(
    @Param() { id, name, ...layer }: ChangeDocumentParams,
    @Query() { path, seal }: EditPatchQuery,
    @Body() body: Buffer | undefined,
    @ContentType() contentType: string | undefined,
    @IfMatch() ifMatch: string | undefined,
    @CurrentActor() actor: Actor,
  ): Promise<ChangeSummaryView> {
    const write = { op: 'patch', body: body ?? Buffer.alloc(0), contentType, path, seal: seal === true ? actor : undefined } as const;
    return view(this.edits.write(id, { layer: { ...layer }, kind: 'document', name }, write, actor, ifMatch));
  }

  @Delete('documents/:name')
  @Needs('edit', 'change')
  @ApiOperation({ summary: 'Propose to delete a document' })
  @ApiOkResponse({ type: ChangeSummaryView })
  deleteDocument(
    @Param() { id, name, ...layer }: ChangeDocumentParams,
    @IfMatch() ifMatch: string | undefined,
    @CurrentActor() actor: Actor,
  ): Promise<ChangeSummaryView> {
    return view(this.edits.write(id, { layer: { ...layer }, kind: 'document', name }, { op: 'delete' }, actor, ifMatch));
  }

  @Delete('documents/:name/edit')
  @Needs('edit', 'change')
  @ApiOperation({ summary: 'Take the edit of a document out of the change' })
  @ApiOkResponse({ type: ChangeSummaryView })
  dropDocument(
    @Param() { id, name, ...layer }: ChangeDocumentParams,
    @IfMatch() ifMatch: string | undefined,
    @CurrentActor() actor: Actor,
  ): Promise<ChangeSummaryView> {
    return view(this.edits.drop(id, { layer: { ...layer }, kind: 'document', name }, actor, ifMatch));
  }

  @Put('schemas/:name')
  @Needs('edit', 'change')
  @RawBody()
  @ApiOperation({ summary: 'Propose a JSON Schema for a document name' })
  @ApiConsumes('application/schema+json', 'application/json')
  @ApiOkResponse({ type: ChangeSummaryView })
  putSchema(
    @Param() { id, name, ...layer }: ChangeDocumentParams,
    @Body() source: Buffer | undefined,
    @IfMatch() ifMatch: string | undefined,
    @CurrentActor() actor: Actor,
  ): Promise<ChangeSummaryView> {
    const write = { op: 'put', source: source ?? Buffer.alloc(0), contentType: undefined } as const;
    return view(this.edits.write(id, { layer: { ...layer }, kind: 'schema', name }, write, actor, ifMatch));
  }

  @Delete('schemas/:name')
  @Needs('edit', 'change')
  @ApiOperation({ summary: 'Propose to detach a JSON Schema' })
  @ApiOkResponse({ type: ChangeSummaryView })
  deleteSchema(
    @Param() { id, name, ...layer }: ChangeDocumentParams,
    @IfMatch() ifMatch: string | undefined,
    @CurrentActor() actor: Actor,
  ): Promise<ChangeSummaryView> {
    return view(this.edits.write(id, { layer: { ...layer }, kind: 'schema', name }, { op: 'delete' }, actor, ifMatch));
  }

  @Delete('schemas/:name/edit')
  @Needs('edit', 'change')
  @ApiOperation({ summary: 'Take the edit of a schema out of the change' })
  @ApiOkResponse({ type: ChangeSummaryView })
  dropSchema(
    @Param() { id, name, ...layer }: ChangeDocumentParams,
    @IfMatch() ifMatch: string | undefined,
    @CurrentActor() actor: Actor,
  ): Promise<ChangeSummaryView> {
    return view(this.edits.drop(id, { layer: { ...layer }, kind: 'schema', name }, actor, ifMatch));
  }

  @Put('includes')
  @Needs('edit', 'change')
  @ApiOperation({ summary: 'Propose the services the layer builds on' })
  @ApiOkResponse({ type: ChangeSummaryView })
  putIncludes(
    @Param() { id, ...layer }: ChangeLayerParams,
    @Body() { includes }: IncludesBody,
    @IfMatch() ifMatch: string | undefined,
    @CurrentActor() actor: Actor,
  ): Promise<ChangeSummaryView> {
    return view(this.edits.writeIncludes(id, { ...layer }, includes, actor, ifMatch));
  }

  @Delete('includes')
  @Needs('edit', 'change')
  @ApiOperation({ summary: 'Propose to declare no includes here' })
  @ApiOkResponse({ type: ChangeSummaryView })
  deleteIncludes(
    @Param() { id, ...layer }: ChangeLayerParams,
    @IfMatch() ifMatch: string | undefined,
    @CurrentActor() actor: Actor,
  ): Promise<ChangeSummaryView> {
    return view(this.edits.writeIncludes(id, { ...layer }, null, actor, ifMatch));
  }

  @Delete('includes/edit')
  @Needs('edit', 'change')
  @ApiOperation({ summary: 'Take the edit of the includes out of the change' })
  @ApiOkResponse({ type: ChangeSummaryView })
  dropIncludes(
    @Param() { id, ...layer }: ChangeLayerParams,
    @IfMatch() ifMatch: string | undefined,
    @CurrentActor() actor: Actor,
  ): Promise<ChangeSummaryView> {
    return view(this.edits.drop(id, { layer: { ...layer }, kind: 'includes', name: INCLUDES_NAME }, actor, ifMatch));
  }
}

async function view(change: Promise<Change>): Promise<ChangeSummaryView> {
  return changeSummary(await change);
}
