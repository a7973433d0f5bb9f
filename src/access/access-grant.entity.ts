import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { LastingActor } from '../kernel/actor';
import type { Role } from './roles';

export const SUBJECT_KINDS = ['person', 'group', 'token'] as const;
export type SubjectKind = (typeof SUBJECT_KINDS)[number];

/** A grant as it is stored: to whom, what, where, and who gave it. */
@Entity({ name: 'access_grant' })
export class AccessGrant {
  @PrimaryColumn({ type: 'uuid' })
  id!: string;

  @Column({ name: 'subject_kind', type: 'text' })
  subjectKind!: SubjectKind;

  /** Id of a person or a token; name of a group. */
  @Column({ type: 'text' })
  subject!: string;

  @Column({ type: 'text' })
  role!: Role;

  @Column({ type: 'text' })
  services!: string;

  @Column({ name: 'environment_id', type: 'int' })
  environmentId!: number;

  @Column({ type: 'boolean' })
  reveal!: boolean;

  @Column({ name: 'created_at', type: 'timestamptz' })
  createdAt!: Date;

  @Column({ name: 'created_by', type: 'jsonb' })
  createdBy!: LastingActor;
}
