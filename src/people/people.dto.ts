import { ApiProperty } from '@nestjs/swagger';
import { IsUUID, Matches } from 'class-validator';
import { GROUP_NAME_PATTERN, MAX_GROUP_NAME } from '../access/group-member.entity';
import { PageQuery } from '../http/page';
import { Flag, MayBeAbsent, Text } from '../http/shape';
import { TYPED_LOGIN_PATTERN } from './login';
import type { LinkPurpose } from './person-link.entity';

const LOGIN_MESSAGE = 'login must be ASCII letters, digits and . _ + -, alone or as an e-mail address';
const LOGIN = { description: 'What they sign in with here; in any case.', pattern: TYPED_LOGIN_PATTERN.source, example: 'ada@example.com' };

export class PeopleQuery extends PageQuery {
  @Text({ optional: true, max: 200, description: 'Only those whose name or login contains this, in any case.' })
  q?: string;

  @Flag({ optional: true, description: '`true`: also those who are disabled.' })
  disabled?: boolean;
}

export class PersonParams {
  @ApiProperty({ format: 'uuid' })
  @IsUUID()
  id!: string;
}

export class GroupParams {
  @ApiProperty({ example: 'checkout' })
  @Matches(GROUP_NAME_PATTERN, { message: `group must be 1 to ${MAX_GROUP_NAME} characters without spaces around` })
  group!: string;
}

export class GroupMemberParams extends GroupParams {
  @ApiProperty({ format: 'uuid' })
  @IsUUID()
  id!: string;
}

export class CreatePerson {
  @ApiProperty({ ...LOGIN, required: false })
  @MayBeAbsent()
  @Matches(TYPED_LOGIN_PATTERN, { message: LOGIN_MESSAGE })
  login?: string;

  @Text({ min: 1, max: 200, description: 'As others shall see it.' })
  name!: string;

  @Text({ optional: true, min: 1, max: 255, description: 'The `sub` that the identity provider knows them by, for people who sign in there.' })
  oidcSubject?: string;
}

export class UpdatePerson {
  @ApiProperty({ ...LOGIN, required: false })
  @MayBeAbsent()
  @Matches(TYPED_LOGIN_PATTERN, { message: LOGIN_MESSAGE })
  login?: string;

  @Text({ optional: true, min: 1, max: 200, description: 'As others shall see it.' })
  name?: string;

  @Flag({ optional: true, description: '`true` ends all their sessions and personal tokens at once, for ever.' })
  disabled?: boolean;
}

export class PersonView {
  @ApiProperty({ format: 'uuid' })
  id!: string;

  @ApiProperty({ type: String, nullable: true })
  login!: string | null;

  @ApiProperty()
  name!: string;

  @ApiProperty({ type: [String] })
  groups!: string[];

  @ApiProperty({ description: 'Whether they have set a password.' })
  password!: boolean;

  @ApiProperty({ description: 'Whether the identity provider knows them.' })
  oidc!: boolean;

  @ApiProperty({ type: String, nullable: true, format: 'date-time', description: 'Until when a link for setting a password is open.' })
  linkExpiresAt!: string | null;

  @ApiProperty({ format: 'date-time' })
  createdAt!: string;

  @ApiProperty({ type: String, nullable: true, format: 'date-time' })
  disabledAt!: string | null;
}

export class PersonLinkView {
  @ApiProperty({ enum: ['invitation', 'reset'] })
  purpose!: LinkPurpose;

  @ApiProperty({ description: 'To be given to the person. Without TRIMTAB_PUBLIC_URL only the path.', example: 'https://trimtab.example.com/#invitation=ttl_…' })
  url!: string;

  @ApiProperty({ description: 'The part behind `=`. It is shown this once and stored nowhere.' })
  secret!: string;

  @ApiProperty({ format: 'date-time' })
  expiresAt!: string;
}

export class CreatedPerson extends PersonView {
  @ApiProperty({ required: false, description: 'Absent for people without a login.' })
  link?: PersonLinkView;
}

export class GroupView {
  @ApiProperty({ example: 'checkout' })
  name!: string;

  @ApiProperty({ description: 'How many people are in it who are not disabled.' })
  members!: number;
}

export class GroupMemberView {
  @ApiProperty({ format: 'uuid' })
  id!: string;

  @ApiProperty()
  name!: string;

  @ApiProperty({ enum: ['local', 'oidc'], isArray: true, description: 'By whose word: `oidc` follows the identity provider at every sign-in.' })
  sources!: ('local' | 'oidc')[];
}
