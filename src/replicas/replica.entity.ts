import { Column, Entity, PrimaryColumn } from 'typeorm';
import { bigintAsNumber } from '../kernel/bigint-column';
import type { ReplicaKind } from './lease-book';

/** One registration of a process that serves clients. It counts for as long as its lease runs. */
@Entity({ name: 'replica' })
export class ReplicaRecord {
  /** Of the registration: a process that registers again gets a new one. */
  @PrimaryColumn({ type: 'uuid' })
  lease!: string;

  /** Of the process, from its start to its end. */
  @Column({ type: 'uuid' })
  id!: string;

  @Column({ type: 'text' })
  kind!: ReplicaKind;

  @Column({ type: 'text' })
  host!: string;

  @Column({ type: 'integer' })
  pid!: number;

  @Column({ type: 'text' })
  version!: string;

  @Column({ name: 'started_at', type: 'timestamptz' })
  startedAt!: Date;

  /** The log revision it had read when it renewed last. */
  @Column({ type: 'bigint', transformer: bigintAsNumber })
  position!: number;

  /** Revisions it had not read then. */
  @Column({ type: 'bigint', transformer: bigintAsNumber })
  lag!: number;

  @Column({ type: 'integer' })
  connections!: number;

  /** Whether it heard of news of the log when it renewed last. */
  @Column({ type: 'boolean' })
  listening!: boolean;

  /** All of its instances have been written since it registered. */
  @Column({ type: 'boolean' })
  complete!: boolean;

  @Column({ name: 'renewed_at', type: 'timestamptz' })
  renewedAt!: Date;

  /** By the clock of the database, as everything that is compared with it. */
  @Column({ name: 'lease_until', type: 'timestamptz' })
  leaseUntil!: Date;
}
