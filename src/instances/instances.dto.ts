import { applyDecorators } from '@nestjs/common';
import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsIn, IsOptional, ValidateBy } from 'class-validator';
import { PageQuery } from '../http/page';
import { LabelName, WholeNumber } from '../http/shape';
import { INSTANCE_STATES, type InstanceState } from './instance';
import type { ListedInstance } from './instance-directory';

const MAX_LABELS = 16;
const LABEL = /^[^:\0\p{Cs}]{1,63}:[^\0\p{Cs}]{0,255}$/u;

/** `name:value`, once or several times. */
const LabelsField = (): PropertyDecorator =>
  applyDecorators(
    ApiPropertyOptional({ type: 'array', items: { type: 'string', example: 'zone:eu-1' }, maxItems: MAX_LABELS, description: 'A label as `name:value`. Of several, an instance has to have all.' }),
    IsOptional(),
    ValidateBy({
      name: 'isLabels',
      validator: {
        validate: (value: unknown) => {
          const labels = Array.isArray(value) ? (value as unknown[]) : [value];
          return labels.length <= MAX_LABELS && labels.every((label) => typeof label === 'string' && LABEL.test(label));
        },
        defaultMessage: () => `$property must be name:value, at most ${MAX_LABELS} times`,
      },
    }),
  );

export class InstancesQuery extends PageQuery {
  @LabelName({ optional: true })
  service?: string;

  @LabelName({ optional: true, description: 'Exactly this environment.' })
  environment?: string;

  @LabelName({ optional: true, description: 'This environment and every one below it.' })
  below?: string;

  @WholeNumber({ min: 0, optional: true, description: 'Stands at this revision: runs it or, when it has reported nothing, presented it.' })
  revision?: number;

  @WholeNumber({ min: 1, optional: true, description: 'Should have taken this revision and has not.' })
  behind?: number;

  @ApiPropertyOptional({ enum: INSTANCE_STATES })
  @IsOptional()
  @IsIn(INSTANCE_STATES)
  state?: InstanceState;

  @LabelsField()
  label?: string | string[];
}

export class InstanceView {
  @ApiProperty({ description: 'Unique per running process of the service.' })
  id!: string;

  @ApiProperty()
  service!: string;

  @ApiProperty()
  environment!: string;

  @ApiPropertyOptional()
  host?: string;

  @ApiPropertyOptional({ description: 'Name and version of its client library.' })
  library?: string;

  @ApiProperty({ type: 'object', additionalProperties: { type: 'string' } })
  labels!: Readonly<Record<string, string>>;

  @ApiProperty({ format: 'uuid', description: 'The replica or edge it is connected to.' })
  replica!: string;

  @ApiProperty({ description: '`socket.io`, `sse`, `long-poll`, …' })
  transport!: string;

  @ApiProperty({ type: String, format: 'date-time' })
  connectedAt!: Date;

  @ApiProperty({ enum: INSTANCE_STATES })
  state!: InstanceState;

  @ApiPropertyOptional({ description: 'What it applied or refused last; until it has reported, how much of the log it knew of when it connected.' })
  revision?: number;

  @ApiPropertyOptional({ description: 'Of the content it applied or refused last; until it has reported, of what it held when it connected.' })
  etag?: string;

  @ApiPropertyOptional({ description: 'The revision it has reported to run. A refusal leaves it as it is.' })
  appliedRevision?: number;

  @ApiPropertyOptional({ description: 'Why it refused.' })
  reason?: string;

  @ApiPropertyOptional({ type: String, format: 'date-time', description: 'Since when it is in this state.' })
  reportedAt?: Date;
}

export function instanceView({ info, connection: _connection, ...rest }: ListedInstance): InstanceView {
  return { id: info.id, host: info.host, library: info.library, labels: info.labels ?? {}, ...rest };
}
