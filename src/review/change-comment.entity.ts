import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { LastingActor } from '../kernel/actor';
import { bigintAsNumber } from '../kernel/bigint-column';
import type { LayerName } from '../kernel/names';

/** What a comment is about, where it is about something in particular. */
export interface CommentPlace extends LayerName {
  readonly document: string;
  /** RFC 6901, into the value. */
  readonly path?: string;
  /** In the proposed source, from 1. */
  readonly line?: number;
}

/** What somebody said about a change. Never edited; of one that its author has deleted only that it was there is left. */
@Entity({ name: 'change_comment' })
export class ChangeComment {
  /** Made by the database. */
  @PrimaryColumn({ type: 'bigint', transformer: bigintAsNumber })
  id!: number;

  @Column({ name: 'change_id', type: 'bigint', transformer: bigintAsNumber })
  changeId!: number;

  @Column({ type: 'jsonb' })
  author!: LastingActor;

  /** Empty once it is deleted. */
  @Column({ type: 'text' })
  text!: string;

  @Column({ type: 'jsonb', nullable: true })
  place!: CommentPlace | null;

  @Column({ name: 'created_at', type: 'timestamptz' })
  createdAt!: Date;

  @Column({ name: 'deleted_at', type: 'timestamptz', nullable: true })
  deletedAt!: Date | null;
}
