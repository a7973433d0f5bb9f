import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { ERROR_CODES } from '../kernel/error-codes';
import { LayerNameView } from '../releases/layer-views';
import type { Actor, LastingActor } from '../kernel/actor';
import type { ApprovalNeed, ReachedConfig } from './approval-need';

export class ReachedConfigView extends LayerNameView {
  @ApiProperty({ description: 'Approvals that its environment asks for.' })
  requiredApprovals!: number;
}

export class ApprovalsView {
  @ApiProperty({ description: 'How many it needs; 0 when nothing protected would change.' })
  needed!: number;

  @ApiProperty({ type: [ReachedConfigView], description: 'What would change in protected environments, as far as you may see it.' })
  reached!: ReachedConfigView[];

  @ApiPropertyOptional({ description: 'How many there are that count, where it is a change that is looked at.' })
  have?: number;
}

/** What somebody said of an edition of a change. */
export class SaidView {
  @ApiProperty()
  id!: number;

  @ApiProperty({ enum: ['approve', 'request-changes'] })
  verdict!: 'approve' | 'request-changes';

  @ApiProperty({ description: 'What was looked at.' })
  edition!: number;

  @ApiProperty({ type: 'object', additionalProperties: true })
  reviewer!: LastingActor;

  @ApiProperty()
  comment!: string;

  @ApiProperty({ type: String, format: 'date-time' })
  createdAt!: Date;
}

export class StandingReviewView extends SaidView {
  @ApiProperty({ description: 'An approval counts when it is of the present edition, a request for changes of whichever; both only as long as the reviewer may approve.' })
  counts!: boolean;
}

export class BlockerView {
  @ApiProperty({ enum: Object.keys(ERROR_CODES), description: 'The code with which publishing would be refused.' })
  code!: string;

  @ApiProperty()
  detail!: string;
}

export class ScheduleView {
  @ApiProperty({ type: String, format: 'date-time' })
  at!: Date;

  @ApiProperty({ enum: ['waiting', 'void', 'failed', 'done'], description: '`void`: it was edited since. `failed`: see `failure`. `done`: the change is closed.' })
  state!: 'waiting' | 'void' | 'failed' | 'done';

  @ApiProperty({ description: 'The edition that was scheduled.' })
  edition!: number;

  @ApiProperty({ type: 'object', additionalProperties: true, description: 'Who will have published it.' })
  scheduledBy!: LastingActor;

  @ApiPropertyOptional({ type: BlockerView, description: 'Why it was not published at its time.' })
  failure?: BlockerView;
}

export class ReviewStateView {
  @ApiProperty({ type: [StandingReviewView], description: 'The word of each person that was not withdrawn.' })
  reviews!: StandingReviewView[];

  @ApiPropertyOptional({ type: ApprovalsView, description: 'Absent when it cannot be told now (see `reasons`), or is of no interest any more.' })
  approvals?: ApprovalsView;

  @ApiProperty({ description: 'Whether you may publish it now. What others publish meanwhile can still be in the way.' })
  mayPublish!: boolean;

  @ApiProperty({ type: [BlockerView], description: 'Why not.' })
  reasons!: BlockerView[];

  @ApiPropertyOptional({ type: ScheduleView })
  schedule?: ScheduleView;

  @ApiProperty({ description: 'How many comments there are.' })
  comments!: number;
}

/** Shows of what is reached only what the actor may see; how many approvals are needed is told in any case. */
export function approvalsView({ needed, reached }: ApprovalNeed, { authority }: Actor): ApprovalsView {
  return { needed, reached: visible(reached, authority) };
}

export function visible(reached: readonly ReachedConfig[], authority: Actor['authority']): ReachedConfig[] {
  return reached.filter((config) => authority.allows('view', config));
}
