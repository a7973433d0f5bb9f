import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { LastingActor } from '../kernel/actor';
import { bigintAsNumber } from '../kernel/bigint-column';

export const VERDICTS = ['approve', 'request-changes'] as const;
export type Verdict = (typeof VERDICTS)[number];

/** What a person said about an edition of a change. At most one word of each person stands; it is withdrawn, never removed. */
@Entity({ name: 'change_review' })
export class ChangeReview {
  /** Made by the database. */
  @PrimaryColumn({ type: 'bigint', transformer: bigintAsNumber })
  id!: number;

  @Column({ name: 'change_id', type: 'bigint', transformer: bigintAsNumber })
  changeId!: number;

  /** What was looked at. An approval says nothing about any other edition. */
  @Column({ type: 'integer' })
  edition!: number;

  @Column({ type: 'text' })
  verdict!: Verdict;

  @Column({ name: 'person_id', type: 'uuid' })
  personId!: string;

  @Column({ type: 'jsonb' })
  reviewer!: LastingActor;

  @Column({ type: 'text' })
  comment!: string;

  @Column({ name: 'created_at', type: 'timestamptz' })
  createdAt!: Date;

  @Column({ name: 'withdrawn_at', type: 'timestamptz', nullable: true })
  withdrawnAt!: Date | null;
}
