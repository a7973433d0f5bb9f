import { ApiProperty } from '@nestjs/swagger';
import { PageQuery } from '../http/page';
import { Flag, LabelName, Text } from '../http/shape';
import type { Service } from './service.entity';

export class ServicesQuery extends PageQuery {
  @Text({ optional: true, max: 63, description: 'Only names that begin with this.' })
  q?: string;

  @Flag({ optional: true, description: '`true`: only archived services. Absent: only those that are not.' })
  archived?: boolean;
}

export class CreateService {
  @LabelName()
  name!: string;

  @Text({ optional: true, max: 1000 })
  description: string = '';

  @Text({ optional: true, max: 200, description: 'The team that answers for it.' })
  owner: string = '';
}

/** Absent fields stay as they are. */
export class UpdateService {
  @Text({ optional: true, max: 1000 })
  description?: string;

  @Text({ optional: true, max: 200 })
  owner?: string;

  @Flag({ optional: true, description: '`false` brings an archived service back; `true` is the same as DELETE.' })
  archived?: boolean;
}

export class ServiceView {
  @ApiProperty({ example: 'orders' })
  name!: string;

  @ApiProperty()
  description!: string;

  @ApiProperty()
  owner!: string;

  @ApiProperty({ type: String, nullable: true, format: 'date-time', description: 'null unless it is archived.' })
  archivedAt!: string | null;

  @ApiProperty({ format: 'date-time' })
  createdAt!: string;

  static of(this: void, { name, description, owner, archivedAt, createdAt }: Service): ServiceView {
    return { name, description, owner, archivedAt: archivedAt?.toISOString() ?? null, createdAt: createdAt.toISOString() };
  }
}
