import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsIn } from 'class-validator';
import { MayBeAbsent } from '../http/shape';

export class LivenessView {
  @ApiProperty({ enum: ['live'] })
  status!: 'live';
}

const PURPOSES = ['reading', 'publishing'] as const;

export class ReadinessQuery {
  @ApiProperty({ required: false, enum: PURPOSES, description: 'What requests would be sent for. Default: `reading`, which goes on without the database.' })
  @MayBeAbsent()
  @IsIn(PURPOSES)
  for?: 'reading' | 'publishing';
}

export class ReadinessChecksView {
  @ApiProperty({ enum: ['up', 'down'] })
  database!: 'up' | 'down';

  @ApiProperty({ enum: ['up', 'down'], description: 'A session listens for news of the log.' })
  listener!: 'up' | 'down';

  @ApiProperty({ type: 'integer', nullable: true, description: 'Since the listener last had an answer; null before the first.' })
  listenerAgeMs!: number | null;

  @ApiProperty({ type: 'integer', nullable: true, description: 'Revisions published and not read here yet; null when the database cannot be asked.' })
  lag!: number | null;

  @ApiProperty({ type: 'integer', description: 'The revision up to which everything is known here.' })
  position!: number;

  @ApiProperty({ type: 'integer', nullable: true, description: 'How far the clock of the database is ahead; null before its first answer.' })
  clockOffsetMs!: number | null;

  @ApiProperty()
  shuttingDown!: boolean;
}

export class ClientsAheadView {
  @ApiProperty({ type: 'integer' })
  count!: number;

  @ApiProperty({ type: 'integer' })
  highest!: number;
}

export class LogReportView {
  @ApiProperty({ enum: ['followed', 'unread', 'regressed'], description: 'Unread: the database has not answered since the start. Regressed: it has lost revisions that were handed out.' })
  state!: 'followed' | 'unread' | 'regressed';

  @ApiPropertyOptional({ enum: ['shorter', 'rewritten', 'other'] })
  reason?: 'shorter' | 'rewritten' | 'other';

  @ApiPropertyOptional({ type: 'integer', description: 'Where a log that has regressed ends.' })
  head?: number;

  @ApiPropertyOptional({ type: 'integer', description: 'The highest revision known to have been handed out.' })
  seen?: number;

  @ApiProperty({ description: 'Positions that clients have shown and the log has not.' })
  clientsAhead!: ClientsAheadView;
}

export class CopyStatusView {
  @ApiProperty({ enum: ['none', 'taken', 'kept'], description: 'Taken: another process uses the folder.' })
  state!: 'none' | 'taken' | 'kept';

  @ApiProperty({ type: 'integer', description: 'Of what is on disk.' })
  position!: number;

  @ApiProperty({ type: 'integer' })
  snapshots!: number;

  @ApiProperty({ type: 'integer', description: 'How long there has been something that is not on disk; 0 when everything is.' })
  behindMs!: number;

  @ApiPropertyOptional({ type: 'string', description: 'Code of the failure that keeps it from being written.' })
  error?: string;
}

export class ReadinessView {
  @ApiProperty({ enum: ['ready', 'not-ready'] })
  status!: 'ready' | 'not-ready';

  @ApiProperty({ enum: ['log', 'copy'], description: 'What reads and the feed are answered from: the log as it is, or what was known of it.' })
  serving!: 'log' | 'copy';

  @ApiProperty()
  checks!: ReadinessChecksView;

  @ApiProperty()
  log!: LogReportView;

  @ApiProperty()
  copy!: CopyStatusView;
}
