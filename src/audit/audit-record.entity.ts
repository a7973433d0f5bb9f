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

  /** What it changed: versions and names of fields, never values. */
  @Column({ type: 'jsonb' })
  changed!: Record<string, unknown>;

  @Column({ name: 'request_id', type: 'text', nullable: true })
  requestId!: string | null;

  /** The far end of the connection it was asked for on. */
  @Column({ type: 'text', nullable: true })
  address!: string | null;

  @Column({ type: 'bigint', nullable: true, transformer: bigintAsNumber })
  revision!: number | null;
}
