import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { LastingActor } from '../kernel/actor';
import { bigintAsNumber } from '../kernel/bigint-column';
import type { RevisionKind } from '../releases/revision.entity';

export const CHANGE_STATUSES = ['open', 'published', 'discarded'] as const;
export type ChangeStatus = (typeof CHANGE_STATUSES)[number];

/** A proposed set of edits: open, then published whole, or discarded. */
@Entity({ name: 'change' })
export class Change {
  /** Made by the database. */
  @PrimaryColumn({ type: 'bigint', transformer: bigintAsNumber })
  id!: number;

  @Column({ type: 'text' })
  kind!: RevisionKind;

  /** Becomes the message of the revision. */
  @Column({ type: 'text' })
  title!: string;

  @Column({ type: 'text' })
  status!: ChangeStatus;

  @Column({ type: 'jsonb' })
  author!: LastingActor;

  /** Everybody who has made an edition of it after the first. */
  @Column({ type: 'jsonb' })
  contributors!: readonly LastingActor[];

  /** Counts the edits: the ETag of the change, and what a reviewer's word refers to. */
  @Column({ type: 'integer' })
  edition!: number;

  @Column({ type: 'bigint', nullable: true, transformer: bigintAsNumber })
  revision!: number | null;

  @Column({ name: 'created_at', type: 'timestamptz' })
  createdAt!: Date;

  @Column({ name: 'updated_at', type: 'timestamptz' })
  updatedAt!: Date;
}
