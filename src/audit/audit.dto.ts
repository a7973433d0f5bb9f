import { ApiProperty } from '@nestjs/swagger';
import { IsIn } from 'class-validator';
import { PageQuery } from '../http/page';
import { MayBeAbsent, Text } from '../http/shape';
import type { LastingActor } from '../kernel/actor';
import type { AuditRecord } from './audit-record.entity';
import { AUDIT_ACTIONS, type AuditAction } from './record-audit';

export class AuditQuery extends PageQuery {
  @ApiProperty({ required: false, enum: AUDIT_ACTIONS })
  @MayBeAbsent()
  @IsIn(AUDIT_ACTIONS)
  action?: AuditAction;

  @Text({ optional: true, max: 200, description: 'Id or name of the credential it was done with.' })
  actor?: string;
}

export class AuditActorView {
  @ApiProperty({ enum: ['session', 'token', 'client-key', 'system'] })
  kind!: LastingActor['kind'];

  @ApiProperty()
  id!: string;

  @ApiProperty()
  name!: string;
}

export class AuditRecordView {
  @ApiProperty()
  id!: number;

  @ApiProperty({ format: 'date-time' })
  at!: string;

  @ApiProperty()
  actor!: AuditActorView;

  @ApiProperty({ enum: AUDIT_ACTIONS })
  action!: string;

  @ApiProperty({ type: 'object', additionalProperties: true, description: 'What it was done to, by name.' })
  subject!: Record<string, unknown>;

  @ApiProperty({ required: false })
  requestId?: string;

  @ApiProperty({ required: false, description: 'The revision it made.' })
  revision?: number;

  static of(this: void, { id, at, actor, action, subject, requestId, revision }: AuditRecord): AuditRecordView {
    return {
      id: Number(id),
      at: at.toISOString(),
      actor,
      action,
      subject,
      ...(requestId === null ? {} : { requestId }),
      ...(revision === null ? {} : { revision }),
    };
  }
}
