import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { LastingActor } from '../kernel/actor';
import { bigintAsNumber } from '../kernel/bigint-column';

/** Why a scheduled publish did not happen, as the answer to a request would have said it. */
export interface ScheduleFailure {
  readonly code: string;
  readonly detail: string;
}

/** When an edition of a change is to be published, for whom, and why it was not. */
@Entity({ name: 'change_schedule' })
export class ChangeSchedule {
  @PrimaryColumn({ name: 'change_id', type: 'bigint', transformer: bigintAsNumber })
  changeId!: number;

  /** Any other edition is not what was scheduled. */
  @Column({ type: 'integer' })
  edition!: number;

  @Column({ type: 'timestamptz' })
  at!: Date;

  /** Who will have published it, and must still be allowed to. */
  @Column({ name: 'scheduled_by', type: 'jsonb' })
  scheduledBy!: LastingActor;

  /** The job that wakes somebody up for it; a job of another id has been scheduled over. */
  @Column({ name: 'job_id', type: 'uuid' })
  jobId!: string;

  @Column({ name: 'created_at', type: 'timestamptz' })
  createdAt!: Date;

  @Column({ type: 'jsonb', nullable: true })
  failure!: ScheduleFailure | null;

  @Column({ name: 'failed_at', type: 'timestamptz', nullable: true })
  failedAt!: Date | null;
}
