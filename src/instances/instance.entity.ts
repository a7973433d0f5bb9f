import type { InstanceInfo } from '@trimtab/client/protocol';
import { Column, Entity, PrimaryColumn } from 'typeorm';
import { bigintAsNumber } from '../kernel/bigint-column';
import type { InstanceState } from './instance';

/** A connection of an instance, as its process wrote it last. It counts for as long as the lease of that process runs. */
@Entity({ name: 'instance' })
export class InstanceRecord {
  @PrimaryColumn({ type: 'uuid' })
  lease!: string;

  @PrimaryColumn({ type: 'text' })
  connection!: string;

  @Column({ type: 'text' })
  service!: string;

  @Column({ type: 'text' })
  environment!: string;

  @Column({ name: 'instance_id', type: 'text' })
  instanceId!: string;

  @Column({ type: 'text', nullable: true })
  host!: string | null;

  @Column({ type: 'text', nullable: true })
  library!: string | null;

  @Column({ type: 'jsonb' })
  labels!: NonNullable<InstanceInfo['labels']>;

  @Column({ type: 'text' })
  transport!: string;

  @Column({ name: 'connected_at', type: 'timestamptz' })
  connectedAt!: Date;

  @Column({ type: 'text' })
  state!: InstanceState;

  @Column({ name: 'applied_revision', type: 'bigint', nullable: true, transformer: bigintAsNumber })
  appliedRevision!: number | null;

  @Column({ type: 'bigint', nullable: true, transformer: bigintAsNumber })
  revision!: number | null;

  @Column({ type: 'text', nullable: true })
  etag!: string | null;

  @Column({ type: 'text', nullable: true })
  reason!: string | null;

  @Column({ name: 'reported_at', type: 'timestamptz', nullable: true })
  reportedAt!: Date | null;
}
