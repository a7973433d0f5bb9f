import { ApiProperty } from '@nestjs/swagger';
import { PageQuery } from '../http/page';
import { LabelName, Text } from '../http/shape';
import { ROOT_ENVIRONMENT } from '../kernel/names';
import type { Environment } from './environment.entity';

export class EnvironmentsQuery extends PageQuery {
  @Text({ optional: true, max: 63, description: 'Only names that begin with this.' })
  q?: string;
}

export class CreateEnvironment {
  @LabelName()
  name!: string;

  @LabelName({ optional: true, description: `What it inherits from; \`${ROOT_ENVIRONMENT}\` when absent. Cannot be changed later.` })
  parent: string = ROOT_ENVIRONMENT;

  @Text({ optional: true, max: 1000 })
  description: string = '';
}

export class UpdateEnvironment {
  @Text({ max: 1000 })
  description!: string;
}

export class EnvironmentView {
  @ApiProperty({ example: 'production' })
  name!: string;

  @ApiProperty({ type: String, nullable: true, description: 'null for the root only.', example: ROOT_ENVIRONMENT })
  parent!: string | null;

  @ApiProperty()
  description!: string;

  @ApiProperty({ format: 'date-time' })
  createdAt!: string;

  static of({ name, description, createdAt }: Environment, parent: Environment | undefined): EnvironmentView {
    return { name, parent: parent?.name ?? null, description, createdAt: createdAt.toISOString() };
  }
}
