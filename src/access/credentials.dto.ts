import { ApiProperty } from '@nestjs/swagger';
import { IsUUID, Matches } from 'class-validator';
import { PageQuery } from '../http/page';
import { Flag, LabelName, Moment, Text } from '../http/shape';
import { LABEL_PATTERN } from '../kernel/names';
import { ANY_SERVICE } from './credential';
import type { StoredCredential } from './credential.entity';

export class CredentialsQuery extends PageQuery {
  @Flag({ optional: true, description: '`true`: also those that were revoked.' })
  revoked?: boolean;
}

export class CredentialParams {
  @ApiProperty({ format: 'uuid' })
  @IsUUID()
  id!: string;
}

export class CreateToken {
  @Text({ min: 1, max: 200, description: 'Who or what it is for. Shown in the history and in the audit.' })
  name!: string;

  @Moment({ optional: true, description: 'When it stops working; never when absent.' })
  expiresAt?: string;
}

export class CreateClientKey extends CreateToken {
  @ApiProperty({ example: 'orders', description: `The service whose configuration it reads, or \`${ANY_SERVICE}\` for all.` })
  @Matches(new RegExp(`^\\*$|${LABEL_PATTERN.source}`), { message: `service must be the name of a service or ${ANY_SERVICE}` })
  service!: string;

  @LabelName({ description: 'It reads in this environment and in all below it.' })
  environment!: string;
}

export class TokenView {
  @ApiProperty({ format: 'uuid' })
  id!: string;

  @ApiProperty()
  name!: string;

  @ApiProperty({ description: 'The first characters of the secret.', example: 'tta_mF3q' })
  prefix!: string;

  @ApiProperty({ format: 'date-time' })
  createdAt!: string;

  @ApiProperty({ type: String, nullable: true, format: 'date-time' })
  expiresAt!: string | null;

  @ApiProperty({ type: String, nullable: true, format: 'date-time' })
  revokedAt!: string | null;

  static of(this: void, { id, name, prefix, createdAt, expiresAt, revokedAt }: StoredCredential): TokenView {
    return {
      id,
      name,
      prefix,
      createdAt: createdAt.toISOString(),
      expiresAt: expiresAt?.toISOString() ?? null,
      revokedAt: revokedAt?.toISOString() ?? null,
    };
  }
}

export class ClientKeyView extends TokenView {
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
