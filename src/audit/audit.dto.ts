import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsIn, Matches } from 'class-validator';
import { DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE } from '../http/page';
import { Flag, LabelName, MayBeAbsent, Moment, Text, WholeNumber } from '../http/shape';
import type { LastingActor } from '../kernel/actor';
import type { ListedRecord } from './audit-log';
import { CHAIN_FAULTS, type ChainFault } from './chain-check';
import { AUDIT_ACTIONS, type AuditAction } from './record-audit';

/** Which records. All that is given must be met. */
export class AuditFilterQuery {
  @ApiProperty({ required: false, enum: AUDIT_ACTIONS })
  @MayBeAbsent()
  @IsIn(AUDIT_ACTIONS)
  action?: AuditAction;

  @Text({ optional: true, max: 200, description: 'Id or name of the credential it was done with, or of the person.' })
  actor?: string;

  @LabelName({ optional: true, description: 'What touched a layer of this service, or the service itself; with `environment`, that layer.' })
  service?: string;

  @LabelName({ optional: true, description: 'What touched a layer in this environment, or the environment itself.' })
  environment?: string;

  @Text({ optional: true, max: 64, description: 'The `X-Request-Id` of the request.' })
  requestId?: string;

  @Text({ optional: true, max: 64, description: 'The address the request came from.' })
  address?: string;

  @WholeNumber({ optional: true, min: 1, description: 'What made this revision.' })
  revision?: number;

  @Moment({ optional: true, description: 'From this moment on.' })
  from?: string;

  @Moment({ optional: true, description: 'Before this moment.' })
  to?: string;
}

export class AuditQuery extends AuditFilterQuery {
  @Text({ optional: true, max: 1024, description: 'The `nextCursor` of the page before. Opaque.' })
  cursor?: string;

  @WholeNumber({ min: 1, max: MAX_PAGE_SIZE, default: DEFAULT_PAGE_SIZE, description: 'Most items to return.' })
  limit: number = DEFAULT_PAGE_SIZE;
}

export class VerifyQuery {
  @WholeNumber({ optional: true, min: 0, description: 'Position of a head that was answered, logged or exported earlier; with `hash`.' })
  position?: number;

  @ApiProperty({ required: false, pattern: '^[0-9a-f]{64}$', description: 'The hash at that position.' })
  @MayBeAbsent()
  @Matches(/^[0-9a-f]{64}$/, { message: '$property must be 64 hexadecimal digits' })
  hash?: string;

  @Flag({ optional: true, description: 'Only check what came after that position, and that it still has that hash.' })
  sinceAnchor?: boolean;
}

class AuditPersonView {
  @ApiProperty()
  id!: string;

  @ApiProperty()
  name!: string;
}

export class AuditActorView {
  @ApiProperty({ enum: ['session', 'token', 'client-key', 'system'] })
  kind!: LastingActor['kind'];

  @ApiProperty({ description: 'Id of the credential it was done with.' })
  id!: string;

  @ApiProperty()
  name!: string;

  @ApiPropertyOptional({ type: AuditPersonView, description: 'Whom the credential acted for.' })
  person?: AuditPersonView | undefined;
}

export class AnchorView {
  @ApiProperty({ type: 'integer', description: 'Place in the chain: 1, 2, 3, … in the order of commits.' })
  position!: number;

  @ApiProperty({ description: 'SHA-256 over the record and the hash of the position before: it stands for everything up to here.' })
  hash!: string;
}

export class AuditRecordView extends AnchorView {
  @ApiProperty({ format: 'date-time' })
  at!: string;

  @ApiProperty()
  actor!: AuditActorView;

  @ApiProperty({ enum: AUDIT_ACTIONS })
  action!: string;

  @ApiProperty({ type: 'object', additionalProperties: true, description: 'What it was done to, by name.' })
  subject!: Readonly<Record<string, unknown>>;

  @ApiProperty({ type: 'object', additionalProperties: true, description: 'What it changed: versions and names of fields, never values.' })
  changed!: Readonly<Record<string, unknown>>;

  @ApiProperty({ required: false })
  requestId?: string;

  @ApiProperty({ required: false, description: 'The far end of the connection it was asked for on.' })
  address?: string;

  @ApiProperty({ required: false, description: 'The revision it made.' })
  revision?: number;

  static of(this: void, { position, hash, at, actor, action, subject, changed, requestId, address, revision }: ListedRecord): AuditRecordView {
    return {
      position,
      at,
      actor,
      action,
      subject,
      changed,
      ...(requestId === null ? {} : { requestId }),
      ...(address === null ? {} : { address }),
      ...(revision === null ? {} : { revision }),
      hash,
    };
  }
}

class ChainFaultView {
  @ApiProperty({ enum: CHAIN_FAULTS })
  reason!: ChainFault['reason'];

  @ApiProperty({ type: 'integer', required: false, description: 'The first position that is wrong. Absent where a record has none.' })
  position?: number;

  @ApiProperty({ description: 'What is wrong, for people.' })
  detail!: string;
}

export class VerifiedView {
  @ApiProperty()
  valid!: boolean;

  @ApiProperty({ description: 'The end of the chain. Keep it elsewhere: as `position` and `hash` of a later check it shows what was cut off or replaced since.' })
  head!: AnchorView;

  @ApiProperty({ type: 'integer', description: 'Records that were found right, up to the fault if there is one.' })
  records!: number;

  @ApiPropertyOptional({ type: ChainFaultView })
  fault?: ChainFaultView;
}
