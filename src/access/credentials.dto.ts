import { ApiProperty } from '@nestjs/swagger';
import { IsUUID, Matches, ValidateBy } from 'class-validator';
import { AuditActorView } from '../audit/audit.dto';
import { millisecondsOf } from '../http/duration';
import { PageQuery } from '../http/page';
import { Flag, LabelName, MayBeAbsent, Moment, NestedList, Text } from '../http/shape';
import type { LastingActor } from '../kernel/actor';
import { LABEL_PATTERN } from '../kernel/names';
import { ANY_SERVICE } from './credential';
import { HeldGrant, HeldGrantView } from './grants.dto';

/** Of a token when it is made. */
const MAX_GRANTS = 50;
/** Longest that the secret before may go on working. */
export const MAX_OVERLAP_DAYS = 30;
export const DEFAULT_OVERLAP = '24h';

export class CredentialsQuery extends PageQuery {
  @Flag({ optional: true, description: '`true`: also those that were revoked.' })
  revoked?: boolean;
}

export class CredentialParams {
  @ApiProperty({ format: 'uuid' })
  @IsUUID()
  id!: string;
}

class CreateCredential {
  @Text({ min: 1, max: 200, description: 'Who or what it is for. Shown in the history and in the audit.' })
  name!: string;

  @Moment({ optional: true, description: 'When it stops working; never when absent.' })
  expiresAt?: string;
}

export class CreateToken extends CreateCredential {
  @Flag({ optional: true, description: '`true`: a token that acts for the person who makes it, and needs `expiresAt`.' })
  personal?: boolean;

  @NestedList(() => HeldGrant, { optional: true, max: MAX_GRANTS, description: 'What a service token may do, at least one; what a personal token is limited to, nothing but its person when absent.' })
  grants?: HeldGrant[];
}

export class CreateClientKey extends CreateCredential {
  @ApiProperty({ example: 'orders', description: `The service whose configuration it reads, or \`${ANY_SERVICE}\` for all.` })
  @Matches(new RegExp(`^\\*$|${LABEL_PATTERN.source}`), { message: `service must be the name of a service or ${ANY_SERVICE}` })
  service!: string;

  @LabelName({ description: 'It reads in this environment and in all below it.' })
  environment!: string;
}

export class RotateCredential {
  @ApiProperty({ required: false, default: DEFAULT_OVERLAP, example: '7d', description: `How long the secret before goes on working (\`0\`, \`30m\`, \`24h\`, \`7d\`), at most ${MAX_OVERLAP_DAYS} days.` })
  @MayBeAbsent()
  @ValidateBy({
    name: 'isOverlap',
    validator: {
      validate: (value: unknown) => typeof value === 'string' && (millisecondsOf(value) ?? Infinity) <= MAX_OVERLAP_DAYS * 86_400_000,
      defaultMessage: () => `$property must be a time such as 0, 30m, 24h or 7d, at most ${MAX_OVERLAP_DAYS}d`,
    },
  })
  overlap?: string;

  @Moment({ optional: true, description: 'When it stops working from now on; as before when absent. Not for a token that rotates itself.' })
  expiresAt?: string;
}

export class PreviousSecretView {
  @ApiProperty({ format: 'date-time', description: 'Until when it goes on working.' })
  expiresAt!: string;

  @ApiProperty({ type: String, nullable: true, format: 'date-time', description: 'About when it was last used since it was replaced: somebody has not got the new one yet.' })
  lastUsedAt!: string | null;
}

class CredentialView {
  @ApiProperty({ format: 'uuid' })
  id!: string;

  @ApiProperty()
  name!: string;

  @ApiProperty({ description: 'The first characters of the secret.', example: 'tta_mF3q' })
  prefix!: string;

  @ApiProperty({ format: 'date-time' })
  createdAt!: string;

  @ApiProperty({ type: AuditActorView, required: false, description: 'Absent for those made before this was kept.' })
  createdBy?: LastingActor;

  @ApiProperty({ type: String, nullable: true, format: 'date-time' })
  expiresAt!: string | null;

  @ApiProperty({ type: String, nullable: true, format: 'date-time', description: 'To within two minutes; without what edges have served.' })
  lastUsedAt!: string | null;

  @ApiProperty({ type: String, nullable: true, format: 'date-time', description: 'When it was last given a new secret.' })
  rotatedAt!: string | null;

  @ApiProperty({ type: PreviousSecretView, required: false, description: 'The secret before, while it still works.' })
  previousSecret?: PreviousSecretView;

  @ApiProperty({ type: String, nullable: true, format: 'date-time' })
  revokedAt!: string | null;
}

export class TokenPersonView {
  @ApiProperty({ format: 'uuid' })
  id!: string;

  @ApiProperty()
  name!: string;
}

export class TokenView extends CredentialView {
  @ApiProperty({ type: TokenPersonView, required: false, description: 'Personal tokens: whom it acts for. Service tokens act for nobody.' })
  person?: TokenPersonView;

  @ApiProperty({ type: [HeldGrantView], description: 'What a service token may do; what a personal token is limited to, if to anything.' })
  grants!: HeldGrantView[];
}

export class ClientKeyView extends CredentialView {
  @ApiProperty({ example: 'orders' })
  service!: string;

  @ApiProperty({ example: 'production' })
  environment!: string;
}

const SECRET = { description: 'Send it as `Authorization: Bearer …`. It is shown this once and stored nowhere.' };

export class CreatedToken extends TokenView {
  @ApiProperty(SECRET)
  secret!: string;
}

export class CreatedClientKey extends ClientKeyView {
  @ApiProperty(SECRET)
  secret!: string;
}
