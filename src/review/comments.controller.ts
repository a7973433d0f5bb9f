import { Body, Controller, Delete, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { ApiCreatedResponse, ApiNoContentResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { ChangeParams } from '../changes/changes.dto';
import { Idempotent } from '../http/idempotency/idempotent';
import { Needs } from '../http/needs';
import { ApiPage, decodeCursor, pageOf, PageQuery, type Page } from '../http/page';
import { CurrentActor } from '../http/request-context';
import type { Actor } from '../kernel/actor';
import { DomainError } from '../kernel/domain-error';
import type { CommentPlace } from './change-comment.entity';
import { Comments } from './comments';
import { CommentParams, CommentView, NewCommentBody } from './review.dto';

@ApiTags('review')
@Controller('api/v1/changes/:id/comments')
export class CommentsController {
  constructor(private readonly comments: Comments) {}

  @Get()
  @Needs('view', 'change')
  @ApiOperation({ summary: 'The comments on a change, oldest first' })
  @ApiPage(CommentView)
  async list(@Param() { id }: ChangeParams, @Query() { cursor, limit }: PageQuery): Promise<Page<CommentView>> {
    const [after = 0] = decodeCursor(cursor, 'number') ?? [];
    return pageOf(await this.comments.list(id, after, limit + 1), limit, (row) => [row.id], CommentView.of);
  }

  @Post()
  @Needs('view', 'change')
  @Idempotent()
  @ApiOperation({ summary: 'Comment on a change, or on a place in it' })
  @ApiCreatedResponse({ type: CommentView })
  async add(@Param() { id }: ChangeParams, @Body() { text, ...place }: NewCommentBody, @CurrentActor() actor: Actor): Promise<CommentView> {
    return CommentView.of(await this.comments.add(id, text, placeOf(place), actor));
  }

  @Delete(':comment')
  @HttpCode(204)
  @Needs('view', 'change')
  @ApiOperation({ summary: 'Delete your own comment; that it was there stays visible' })
  @ApiNoContentResponse()
  delete(@Param() { id, comment }: CommentParams, @CurrentActor() actor: Actor): Promise<void> {
    return this.comments.delete(id, comment, actor);
  }
}

function placeOf({ service, environment, document, path, line }: Omit<NewCommentBody, 'text'>): CommentPlace | undefined {
  if ([service, environment, document, path, line].every((part) => part === undefined)) return undefined;
  if (service === undefined || environment === undefined || document === undefined) {
    throw new DomainError('malformed_request', 'A place in a change is named by service, environment and document together.', { pointer: '/document' });
  }
  return { service, environment, document, ...(path === undefined ? {} : { path }), ...(line === undefined ? {} : { line }) };
}
