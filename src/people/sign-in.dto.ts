import { ApiProperty } from '@nestjs/swagger';
import { IsUUID, Matches } from 'class-validator';
import { HeldGrantView } from '../access/grants.dto';
import { MayBeAbsent, Text } from '../http/shape';
import { TYPED_LOGIN_PATTERN } from './login';
import { MIN_PASSWORD_LENGTH } from './password-policy';
import type { SignInMethod } from './session.entity';

/** Longer than any password that is accepted, so that it is refused for what it is and not for its shape. */
const MAX_SENT_PASSWORD = 1024;
const NEW_PASSWORD = `At least ${MIN_PASSWORD_LENGTH} characters; any will do.`;

/** A path on this server, for coming back to: neither another host nor a fragment. */
export const RETURN_PATTERN = /^\/(?![/\\])[^\\#\s\p{Cc}]{0,511}$/u;

export class SignIn {
  @Text({ min: 1, max: 200, description: 'In any case.' })
  login!: string;

  @Text({ min: 1, max: MAX_SENT_PASSWORD })
  password!: string;
}

export class ChangePassword {
  @Text({ min: 1, max: MAX_SENT_PASSWORD })
  current!: string;

  @Text({ min: 1, max: MAX_SENT_PASSWORD, description: NEW_PASSWORD })
  password!: string;
}

export class RedeemLink {
  @Text({ min: 1, max: 200, description: 'What the link has behind `#invitation=` or `#reset=`.' })
  secret!: string;

  @Text({ min: 1, max: MAX_SENT_PASSWORD, description: NEW_PASSWORD })
  password!: string;
}

export class SetUp {
  @Text({ min: 1, max: 200, description: 'What the printed link has behind `#setup=`.' })
  secret!: string;

  @ApiProperty({ pattern: TYPED_LOGIN_PATTERN.source, example: 'ada@example.com' })
  @Matches(TYPED_LOGIN_PATTERN, { message: 'login must be ASCII letters, digits and . _ + -, alone or as an e-mail address' })
  login!: string;

  @Text({ min: 1, max: 200, description: 'As others shall see it.' })
  name!: string;

  @Text({ min: 1, max: MAX_SENT_PASSWORD, description: NEW_PASSWORD })
  password!: string;
}

export class StartOidc {
  @ApiProperty({ required: false, description: 'Path on this server to come back to.', example: '/services/orders', pattern: RETURN_PATTERN.source })
  @MayBeAbsent()
  @Matches(RETURN_PATTERN, { message: 'return must be a path on this server, such as /services' })
  return?: string;
}

export class SessionParams {
  @ApiProperty({ format: 'uuid' })
  @IsUUID()
  id!: string;
}

export class PersonNameView {
  @ApiProperty({ format: 'uuid' })
  id!: string;

  @ApiProperty()
  name!: string;
}

export class CurrentSessionView {
  @ApiProperty({ enum: ['session', 'token'] })
  kind!: 'session' | 'token';

  @ApiProperty({ format: 'uuid', description: 'Of the session, or of the token.' })
  id!: string;

  @ApiProperty({ required: false, description: 'Absent for a token that acts for nobody.' })
  person?: PersonNameView;

  @ApiProperty({ type: [String] })
  groups!: string[];

  @ApiProperty({ type: [HeldGrantView], description: 'What the person, or the token, may do.' })
  grants!: HeldGrantView[];

  @ApiProperty({ type: [HeldGrantView], nullable: true, description: 'Personal tokens: nothing beyond these either.' })
  limits!: HeldGrantView[] | null;

  @ApiProperty({ type: String, nullable: true, description: 'To be sent as `X-CSRF-Token` with whatever changes something. Null with a token, which needs none.' })
  csrfToken!: string | null;

  @ApiProperty({ type: String, nullable: true, format: 'date-time', description: 'When it ends unless it is used.' })
  expiresAt!: string | null;

  @ApiProperty({ type: String, nullable: true, format: 'date-time', description: 'When it ends in any case.' })
  endsAt!: string | null;
}

export class SessionView {
  @ApiProperty({ format: 'uuid' })
  id!: string;

  @ApiProperty({ description: 'Whether it is the one that asks.' })
  current!: boolean;

  @ApiProperty({ enum: ['password', 'oidc', 'link', 'setup'] })
  method!: SignInMethod;

  @ApiProperty({ description: 'Where it was begun.' })
  address!: string;

  @ApiProperty({ description: 'What the browser said it was.' })
  userAgent!: string;

  @ApiProperty({ format: 'date-time' })
  createdAt!: string;

  @ApiProperty({ type: String, nullable: true, format: 'date-time', description: 'About when it was last used.' })
  lastUsedAt!: string | null;

  @ApiProperty({ format: 'date-time', description: 'When it ends unless it is used.' })
  expiresAt!: string;

  @ApiProperty({ format: 'date-time', description: 'When it ends in any case.' })
  endsAt!: string;
}

export class SessionsView {
  @ApiProperty({ type: [SessionView] })
  items!: SessionView[];
}

export class SignedOut {
  @ApiProperty({ type: String, nullable: true, description: 'Where to send the browser to sign out at the identity provider as well.' })
  endSessionUrl!: string | null;
}
