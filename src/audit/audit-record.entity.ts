import { Column, Entity, PrimaryGeneratedColumn } from 'typeorm';
import type { LastingActor } from '../kernel/actor';
import { bigintAsNumber } from '../kernel/bigint-column';

/** Who did what to what, and when. Only ever inserted; holds names, never values and never secrets. */
@Entity({ name: 'audit_record' })
export class AuditRecord {
  @PrimaryGeneratedColumn('identity', { type: 'bigint', generatedIdentity: 'ALWAYS' })
  id!: string;

  @Column({ type: 'timestamptz' })
  at!: Date;

  @Column({ type: 'jsonb' })
  actor!: LastingActor;

  @Column({ type: 'text' })
  action!: string;

  /** What it was done to, by name: `{ service: 'orders' }`. */
  @Column({ type: 'jsonb' })
  subject!: Record<string, unknown>;

  @Column({ name: 'request_id', type: 'text', nullable: true })
  requestId!: string | null;

  @Column({ type: 'bigint', nullable: true, transformer: bigintAsNumber })
  revision!: number | null;
}
