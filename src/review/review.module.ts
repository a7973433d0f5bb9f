import { Global, Module } from '@nestjs/common';
import { Standing } from '../access/standing';
import { ChangesModule } from '../changes/changes.module';
import { REVIEW_DESK } from '../changes/review-desk';
import { Comments } from './comments';
import { CommentsController } from './comments.controller';
import { DuePublish } from './due-publish';
import { JobQueue } from './job-queue';
import { StoredReviewDesk } from './review-desk';
import { Reviews } from './reviews';
import { ReviewsController } from './reviews.controller';
import { ScheduledPublishes } from './scheduled-publishes';
import { Schedules } from './schedules';
import { SchedulesController } from './schedules.controller';

/** Global, because changes ask by a token what their reviewers say and must not know this folder. */
@Global()
@Module({
  controllers: [CommentsController, ReviewsController, SchedulesController],
  imports: [ChangesModule],
  providers: [Comments, DuePublish, JobQueue, Reviews, ScheduledPublishes, Schedules, Standing, StoredReviewDesk, { provide: REVIEW_DESK, useExisting: StoredReviewDesk }],
  exports: [REVIEW_DESK],
})
export class ReviewModule {}
