import { ApiProperty } from '@nestjs/swagger';
import { IsIn, IsUUID, Matches } from 'class-validator';
import { AuditActorView } from '../audit/audit.dto';
import { PageQuery } from '../http/page';
import { Flag, LabelName, MayBeAbsent, Nested, Text } from '../http/shape';
import type { LastingActor } from '../kernel/actor';
import { SUBJECT_KINDS, type SubjectKind } from './access-grant.entity';
import { SERVICE_PATTERN } from './grant';
import type { GivenGrant } from './granting';
import { ROLES, type Role } from './roles';

const SERVICES = { description: 'A name, the beginning of names as in `orders-*`, or `*` for all.', pattern: SERVICE_PATTERN.source, example: 'orders-*' };
const ENVIRONMENT = 'It holds in this environment and in all below it.';

/** What is granted, and where: of a grant, and of a token that is made. */
export class HeldGrant implements GivenGrant {
  @ApiProperty({ enum: ROLES })
  @IsIn(ROLES)
  role!: Role;

  @ApiProperty(SERVICES)
  @Matches(SERVICE_PATTERN, { message: 'services must be the name of a service, the beginning of one followed by *, or *' })
  services!: string;

  @LabelName({ description: ENVIRONMENT })
  environment!: string;

  @Flag({ optional: true, description: 'Also to be shown what is sealed.' })
  reveal?: boolean;
}

/** Exactly one of `id`, `login` and `name`. */
export class GrantSubject {
  @ApiProperty({ enum: SUBJECT_KINDS })
  @IsIn(SUBJECT_KINDS)
  kind!: SubjectKind;

  @ApiProperty({ format: 'uuid', required: false, description: 'Of a person or a token.' })
  @MayBeAbsent()
  @IsUUID()
  id?: string;

  @Text({ optional: true, min: 1, max: 200, description: 'Of a person, instead of the id; in any case.' })
  login?: string;

  @Text({ optional: true, min: 1, max: 200, description: 'Of a group, exactly. It need not have members yet.' })
  name?: string;
}

export class CreateGrant extends HeldGrant {
  @Nested(() => GrantSubject)
  subject!: GrantSubject;
}

export class GrantsQuery extends PageQuery {
  @ApiProperty({ enum: SUBJECT_KINDS, required: false })
  @MayBeAbsent()
  @IsIn(SUBJECT_KINDS)
  subjectKind?: SubjectKind;

  @Text({ optional: true, min: 1, max: 200, description: 'Id of a person or a token, or name of a group.' })
  subject?: string;

  @ApiProperty({ enum: ROLES, required: false })
  @MayBeAbsent()
  @IsIn(ROLES)
  role?: Role;

  @LabelName({ optional: true, description: 'Only those that cover this service.' })
  service?: string;

  @LabelName({ optional: true, description: 'Only those that cover this environment, given there or above it.' })
  environment?: string;
}

export class GrantParams {
  @ApiProperty({ format: 'uuid' })
  @IsUUID()
  id!: string;
}

export class HeldGrantView {
  @ApiProperty({ enum: ROLES })
  role!: Role;

  @ApiProperty({ example: 'orders-*' })
  services!: string;

  @ApiProperty({ example: 'production', description: ENVIRONMENT })
  environment!: string;

  @ApiProperty({ description: 'Also to be shown what is sealed.' })
  reveal!: boolean;

  static of(this: void, { role, services, environment, reveal = false }: GivenGrant): HeldGrantView {
    return { role, services, environment, reveal };
  }
}

export class GrantSubjectView {
  @ApiProperty({ enum: SUBJECT_KINDS })
  kind!: SubjectKind;

  @ApiProperty({ description: 'Id of a person or a token; name of a group.' })
  id!: string;

  @ApiProperty()
  name!: string;
}

export class GrantView extends HeldGrantView {
  @ApiProperty({ format: 'uuid' })
  id!: string;

  @ApiProperty({ type: GrantSubjectView })
  subject!: GrantSubjectView;

  @ApiProperty({ format: 'date-time' })
  createdAt!: string;

  @ApiProperty({ type: AuditActorView, description: 'Who gave it.' })
  createdBy!: LastingActor;
}
