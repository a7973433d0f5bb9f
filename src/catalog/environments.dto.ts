import { ApiProperty } from '@nestjs/swagger';
import { IsInt, Max, Min, ValidateIf } from 'class-validator';
import { PageQuery } from '../http/page';
import { LabelName, Text } from '../http/shape';
import { ROOT_ENVIRONMENT } from '../kernel/names';
import type { Environment } from './environment.entity';

/** More would be a way to say never. */
const MAX_APPROVALS = 10;

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

/** Absent fields stay as they are. */
export class UpdateEnvironment {
  @Text({ optional: true, max: 1000 })
  description?: string;

  @ApiProperty({ type: 'integer', minimum: 1, maximum: MAX_APPROVALS, nullable: true, required: false, description: 'Approvals that whatever changes this environment, or one below it, needs; null: none.' })
  @ValidateIf((_body, value) => value !== undefined && value !== null)
  @IsInt()
  @Min(1)
  @Max(MAX_APPROVALS)
  requiredApprovals?: number | null;
}

export class EnvironmentView {
  @ApiProperty({ example: 'production' })
  name!: string;

  @ApiProperty({ type: String, nullable: true, description: 'null for the root only.', example: ROOT_ENVIRONMENT })
  parent!: string | null;

  @ApiProperty()
  description!: string;

  @ApiProperty({ type: 'integer', nullable: true, description: 'Approvals that whatever changes this environment, or one below it, needs; null: none.' })
  requiredApprovals!: number | null;

  @ApiProperty({ format: 'date-time' })
  createdAt!: string;

  static of({ name, description, requiredApprovals, createdAt }: Environment, parent: Environment | undefined): EnvironmentView {
    return { name, parent: parent?.name ?? null, description, requiredApprovals, createdAt: createdAt.toISOString() };
  }
}
