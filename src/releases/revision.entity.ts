import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { Actor } from '../kernel/actor';
import { bigintAsNumber } from '../kernel/bigint-column';

/**
 * What made a revision. A rollback, a promotion and an import are changes like any other, told apart for the reader. A
 * recovery changes no layer: it says that the log goes on here after having lost its end.
 */
export const REVISION_KINDS = ['publish', 'rollback', 'promotion', 'import', 'recovery'] as const;
export type RevisionKind = (typeof REVISION_KINDS)[number];

/** A position in the log: one published change. */
@Entity({ name: 'revision' })
export class RevisionRecord {
  /** Assigned under the log's lock: 1, 2, 3, … in the order of commit. */
  @PrimaryColumn({ type: 'bigint', transformer: bigintAsNumber })
  id!: number;

  @Column({ type: 'text' })
  kind!: RevisionKind;

  @Column({ type: 'text' })
  message!: string;

  @Column({ type: 'jsonb' })
  actor!: Actor;

  /** Why it was published without the approvals it would have needed; null: it was not. */
  @Column({ type: 'text', nullable: true })
  emergency!: string | null;

  /** The claim of the Idempotency-Key it was published with, so that a retry finds it. */
  @Column({ name: 'claim_id', type: 'uuid', nullable: true })
  claimId!: string | null;

  /** Trace context of the request that published it, when that was traced. */
  @Column({ type: 'text', nullable: true })
  traceparent!: string | null;

  @Column({ name: 'created_at', type: 'timestamptz' })
  createdAt!: Date;
}
