import { ApiProperty } from '@nestjs/swagger';
import { IsIn } from 'class-validator';
import { ChangeParams } from '../changes/changes.dto';
import { SaidView } from '../changes/review.dto';
import { DocumentName, LabelName, Moment, Text, WholeNumber } from '../http/shape';
import type { LastingActor } from '../kernel/actor';
import { LayerNameView } from '../releases/layer-views';
import type { ChangeComment, CommentPlace } from './change-comment.entity';
import { VERDICTS, type ChangeReview, type Verdict } from './change-review.entity';

export class ReviewParams extends ChangeParams {
  @WholeNumber({ min: 1 })
  review!: number;
}

export class CommentParams extends ChangeParams {
  @WholeNumber({ min: 1 })
  comment!: number;
}

export class NewReviewBody {
  @ApiProperty({ enum: VERDICTS })
  @IsIn(VERDICTS)
  verdict!: Verdict;

  @WholeNumber({ min: 1, description: 'The edition that was looked at. When it is no longer the present one, the review is refused.' })
  edition!: number;

  @Text({ optional: true, max: 10_000 })
  comment: string = '';
}

export class ReviewView extends SaidView {
  @ApiProperty({ type: String, format: 'date-time', nullable: true, description: 'When it was withdrawn, or the same person said something else.' })
  withdrawnAt!: Date | null;

  static of(this: void, { id, verdict, edition, reviewer, comment, createdAt, withdrawnAt }: ChangeReview): ReviewView {
    return { id, verdict, edition, reviewer, comment, createdAt, withdrawnAt };
  }
}

/** `service`, `environment` and `document` belong together; `path` and `line` say where in that document. */
export class NewCommentBody {
  @Text({ min: 1, max: 10_000 })
  text!: string;

  @LabelName({ optional: true })
  service?: string;

  @LabelName({ optional: true })
  environment?: string;

  @DocumentName({ optional: true })
  document?: string;

  @Text({ optional: true, max: 4096, description: 'RFC 6901, into the value of the document.' })
  path?: string;

  @WholeNumber({ optional: true, min: 1, description: 'Line of the proposed source.' })
  line?: number;
}

export class CommentPlaceView extends LayerNameView {
  @ApiProperty()
  document!: string;

  @ApiProperty({ required: false })
  path?: string;

  @ApiProperty({ required: false })
  line?: number;
}

export class CommentView {
  @ApiProperty()
  id!: number;

  @ApiProperty({ type: 'object', additionalProperties: true })
  author!: LastingActor;

  @ApiProperty({ description: 'Empty once it was deleted.' })
  text!: string;

  @ApiProperty({ type: CommentPlaceView, required: false, description: 'Absent when it is about the change as a whole.' })
  place?: CommentPlace;

  @ApiProperty({ type: String, format: 'date-time' })
  createdAt!: Date;

  @ApiProperty({ type: String, format: 'date-time', nullable: true })
  deletedAt!: Date | null;

  static of(this: void, { id, author, text, place, createdAt, deletedAt }: ChangeComment): CommentView {
    return { id, author, text, ...(place === null ? {} : { place }), createdAt, deletedAt };
  }
}

export class ScheduleBody {
  @Moment({ description: 'When to publish it, by the clock of the database.' })
  at!: string;

  @WholeNumber({ min: 1, description: 'The edition that is to be published. Any edit afterwards voids the schedule.' })
  edition!: number;
}
