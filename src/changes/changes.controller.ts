import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Post, Query, Res } from '@nestjs/common';
import { ApiCreatedResponse, ApiNoContentResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { Idempotent } from '../http/idempotency/idempotent';
import { Needs } from '../http/needs';
import { ApiPage, decodeCursor, pageOf, type Page } from '../http/page';
import { CurrentActor, IfMatch, type FastifyReply } from '../http/request-context';
import type { Actor } from '../kernel/actor';
import { ChangePublisher } from './change-publisher';
import { changeSummary, publishView } from './change-views';
import { ChangeParams, ChangesQuery, ChangeSummaryView, ChangeView, NewChange, PublishBody, PublishView } from './changes.dto';
import { ChangesService, changeTag } from './changes.service';
import { WholeChange } from './whole-change';

@ApiTags('changes')
@Controller('api/v1/changes')
export class ChangesController {
  constructor(
    private readonly changes: ChangesService,
    private readonly whole: WholeChange,
    private readonly publisher: ChangePublisher,
  ) {}

  @Get()
  @Needs('view', 'somewhere')
  @ApiOperation({ summary: 'The changes of which you may view every layer, newest first' })
  @ApiPage(ChangeSummaryView)
  async list(@CurrentActor() actor: Actor, @Query() { status, cursor, limit }: ChangesQuery): Promise<Page<ChangeSummaryView>> {
    const rows = await this.changes.list(actor, status, decodeCursor(cursor, 'number')?.[0], limit + 1);
    return pageOf(rows, limit, ({ id }) => [id], changeSummary);
  }

  @Post()
  @Needs('edit', 'somewhere')
  @Idempotent()
  @ApiOperation({ summary: 'Begin a change' })
  @ApiCreatedResponse({ type: ChangeView })
  async create(
    @Body() { title }: NewChange,
    @CurrentActor() actor: Actor,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ChangeView> {
    const change = await this.changes.create(title, actor);
    void reply.header('location', `/api/v1/changes/${change.id}`).header('etag', changeTag(change));
    return this.whole.view(change, actor);
  }

  @Get(':id')
  @Needs('view', 'change')
  @ApiOperation({ summary: 'A change and its edits' })
  @ApiOkResponse({ type: ChangeView })
  async show(@Param() { id }: ChangeParams, @CurrentActor() actor: Actor, @Res({ passthrough: true }) reply: FastifyReply): Promise<ChangeView> {
    const change = await this.changes.show(id);
    void reply.header('etag', changeTag(change));
    return this.whole.view(change, actor);
  }

  @Patch(':id')
  @Needs('edit', 'change')
  @ApiOperation({ summary: 'Give a change another title' })
  @ApiOkResponse({ type: ChangeSummaryView })
  async rename(
    @Param() { id }: ChangeParams,
    @Body() { title }: NewChange,
    @IfMatch() ifMatch: string | undefined,
    @CurrentActor() actor: Actor,
  ): Promise<ChangeSummaryView> {
    return changeSummary(await this.changes.rename(id, title, actor, ifMatch));
  }

  @Delete(':id')
  @HttpCode(204)
  @Needs('edit', 'change')
  @ApiOperation({ summary: 'Discard a change' })
  @ApiNoContentResponse()
  discard(@Param() { id }: ChangeParams, @IfMatch() ifMatch: string | undefined, @CurrentActor() actor: Actor): Promise<void> {
    return this.changes.discard(id, actor, ifMatch);
  }

  @Get(':id/impact')
  @Needs('view', 'change')
  @ApiOperation({ summary: 'What publishing it would do to every config that depends on it' })
  @ApiOkResponse({ type: PublishView })
  async impact(@Param() { id }: ChangeParams, @CurrentActor() actor: Actor): Promise<PublishView> {
    return publishView(await this.publisher.impact(id, actor), actor);
  }

  @Post(':id/publish')
  @HttpCode(200)
  @Needs('publish', 'change')
  @Idempotent()
  @ApiOperation({ summary: 'Publish it: whole, as one revision, or not at all' })
  @ApiOkResponse({ type: PublishView })
  async publish(
    @Param() { id }: ChangeParams,
    @Body() { emergency }: PublishBody,
    @IfMatch() ifMatch: string | undefined,
    @CurrentActor() actor: Actor,
  ): Promise<PublishView> {
    return publishView(await this.publisher.publish(id, actor, ifMatch, { emergency }), actor);
  }
}
