import { Column, Entity, PrimaryGeneratedColumn } from 'typeorm';

/** A place services run in. The parent is fixed at creation; the root, `base`, is the only one without. */
@Entity({ name: 'environment' })
export class Environment {
  @PrimaryGeneratedColumn('identity', { generatedIdentity: 'ALWAYS' })
  id!: number;

  @Column({ type: 'text' })
  name!: string;

  @Column({ name: 'parent_id', type: 'int', nullable: true })
  parentId!: number | null;

  @Column({ type: 'text' })
  description!: string;

  /** Approvals that a change needs to reach this environment or one below it; null: none. */
  @Column({ name: 'required_approvals', type: 'int', nullable: true })
  requiredApprovals!: number | null;

  @Column({ name: 'created_at', type: 'timestamptz' })
  createdAt!: Date;
}
