import { Global, Module } from '@nestjs/common';
import { Standing } from '../access/standing';
import { REVIEW_DESK } from '../changes/review-desk';
import { Comments } from './comments';
import { CommentsController } from './comments.controller';
import { StoredReviewDesk } from './review-desk';
import { Reviews } from './reviews';
import { ReviewsController } from './reviews.controller';

/** Global, because changes ask by a token what their reviewers say and must not know this folder. */
@Global()
@Module({
  controllers: [CommentsController, ReviewsController],
  providers: [Comments, Reviews, Standing, StoredReviewDesk, { provide: REVIEW_DESK, useExisting: StoredReviewDesk }],
  exports: [REVIEW_DESK],
})
export class ReviewModule {}
