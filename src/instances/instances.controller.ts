import { Controller, Get, Query } from '@nestjs/common';
import { ApiOperation, ApiProperty, ApiPropertyOptional, ApiTags } from '@nestjs/swagger';
import { IsIn, IsOptional } from 'class-validator';
import { Needs } from '../http/needs';
import { ApiPage, decodeCursor, pageOf, PageQuery, type Page } from '../http/page';
import { LabelName } from '../http/shape';
import { compare, InstanceRegistry, sortKey, type Instance, type InstanceState } from './instance-registry';

const STATES = ['connected', 'applied', 'refused'] as const satisfies readonly InstanceState[];

class InstancesQuery extends PageQuery {
  @LabelName({ optional: true })
  service?: string;

  @LabelName({ optional: true })
  environment?: string;

  @ApiPropertyOptional({ enum: STATES })
  @IsOptional()
  @IsIn(STATES)
  state?: InstanceState;
}

class InstanceView {
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

  @ApiProperty({ enum: ['socket.io', 'sse', 'long-poll'] })
  transport!: string;

  @ApiProperty({ type: String, format: 'date-time' })
  connectedAt!: Date;

  @ApiProperty({ enum: STATES })
  state!: InstanceState;

  @ApiPropertyOptional({ description: 'What it applied or refused last, or stood at when it connected.' })
  revision?: number;

  @ApiPropertyOptional({ description: 'Why it refused.' })
  reason?: string;

  @ApiPropertyOptional({ type: String, format: 'date-time' })
  reportedAt?: Date;
}

@ApiTags('instances')
@Controller('api/v1/instances')
export class InstancesController {
  constructor(private readonly registry: InstanceRegistry) {}

  @Get()
  @Needs('admin')
  @ApiOperation({ summary: 'Who is connected to this replica, and what each applied or refused' })
  @ApiPage(InstanceView)
  list(@Query() { cursor, limit, ...filter }: InstancesQuery): Page<InstanceView> {
    const after = decodeCursor(cursor, 'string', 'string', 'string');
    const rows = this.registry.list(filter).filter((instance) => !after || compare(sortKey(instance), after) > 0);
    return pageOf(rows, limit, sortKey, view);
  }
}

function view({ info, connection: _connection, etag: _etag, ...rest }: Instance): InstanceView {
  return { id: info.id, host: info.host, library: info.library, labels: info.labels ?? {}, ...rest };
}
