import { Body, Controller, Delete, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { ApiCreatedResponse, ApiNoContentResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { ChangeParams } from '../changes/changes.dto';
import { Idempotent } from '../http/idempotency/idempotent';
import { Needs } from '../http/needs';
import { ApiPage, decodeCursor, pageOf, PageQuery, type Page } from '../http/page';
import { CurrentActor } from '../http/request-context';
import type { Actor } from '../kernel/actor';
import { NewReviewBody, ReviewParams, ReviewView } from './review.dto';
import { Reviews } from './reviews';

@ApiTags('review')
@Controller('api/v1/changes/:id/reviews')
export class ReviewsController {
  constructor(private readonly reviews: Reviews) {}

  @Get()
  @Needs('view', 'change')
  @ApiOperation({ summary: 'What was said about a change, oldest first, also what was withdrawn' })
  @ApiPage(ReviewView)
  async list(@Param() { id }: ChangeParams, @Query() { cursor, limit }: PageQuery): Promise<Page<ReviewView>> {
    const [after = 0] = decodeCursor(cursor, 'number') ?? [];
    return pageOf(await this.reviews.list(id, after, limit + 1), limit, (row) => [row.id], ReviewView.of);
  }

  @Post()
  @Needs('approve', 'change')
  @Idempotent()
  @ApiOperation({ summary: 'Approve an edition of a change, or ask for changes' })
  @ApiCreatedResponse({ type: ReviewView })
  async submit(@Param() { id }: ChangeParams, @Body() body: NewReviewBody, @CurrentActor() actor: Actor): Promise<ReviewView> {
    return ReviewView.of(await this.reviews.submit(id, body, actor));
  }

  @Delete(':review')
  @HttpCode(204)
  @Needs('view', 'change')
  @ApiOperation({ summary: 'Withdraw your own review' })
  @ApiNoContentResponse()
  withdraw(@Param() { id, review }: ReviewParams, @CurrentActor() actor: Actor): Promise<void> {
    return this.reviews.withdraw(id, review, actor);
  }
}
