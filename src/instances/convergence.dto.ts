import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsOptional, ValidateBy } from 'class-validator';
import { millisecondsOf } from '../http/duration';
import { DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE } from '../http/page';
import { WholeNumber } from '../http/shape';
import { InstanceView } from './instances.dto';

/** `converged`: everybody has taken it; `refused`: everybody has answered, and somebody refused; `pending`: neither yet. */
export const CONVERGENCE_STATES = ['converged', 'refused', 'pending'] as const;
export type ConvergenceState = (typeof CONVERGENCE_STATES)[number];

export class ConvergenceParams {
  @WholeNumber({ min: 1 })
  revision!: number;
}

export class ConvergenceQuery {
  @ApiPropertyOptional({ type: String, example: '30s', description: 'Answer when everybody has taken or refused it, at the latest after this time (`500ms`, `30s`, `1m`; never longer than a minute).' })
  @IsOptional()
  @ValidateBy({
    name: 'isDuration',
    validator: {
      validate: (value: unknown) => typeof value === 'string' && millisecondsOf(value) !== undefined,
      defaultMessage: () => '$property must be a time such as 30s, 500ms or 1m',
    },
  })
  wait?: string;

  @WholeNumber({ min: 0, max: MAX_PAGE_SIZE, default: DEFAULT_PAGE_SIZE, description: 'Most instances to name in each list.' })
  limit: number = DEFAULT_PAGE_SIZE;
}

export class TargetProgressView {
  @ApiProperty()
  service!: string;

  @ApiProperty()
  environment!: string;

  @ApiProperty()
  taken!: number;

  @ApiProperty()
  refused!: number;

  @ApiProperty()
  pending!: number;

  @ApiProperty()
  silent!: number;
}

export class ConvergenceView {
  @ApiProperty()
  revision!: number;

  @ApiProperty({ enum: CONVERGENCE_STATES })
  state!: ConvergenceState;

  @ApiProperty({ description: 'False when instances may be missing: the database cannot be asked, or a replica has just come back and is still telling. Then the state is `pending`.' })
  complete!: boolean;

  @ApiProperty({ description: 'Connected instances whose effective config depends on a layer that the revision touched.' })
  total!: number;

  @ApiProperty({ description: 'How many run the revision, something newer, or content equal to the newest.' })
  taken!: number;

  @ApiProperty({ description: 'How many have not taken it and cannot tell, because their transport has no way to.' })
  silent!: number;

  @ApiProperty({ type: [InstanceView], description: 'Who has refused it, with the reason; no more than `limit`.' })
  refused!: InstanceView[];

  @ApiProperty({ type: [InstanceView], description: 'Who has not answered; no more than `limit`.' })
  pending!: InstanceView[];

  @ApiProperty({ type: [TargetProgressView], description: 'The counts of each service in each environment where not everybody has taken it.' })
  targets!: TargetProgressView[];
}
