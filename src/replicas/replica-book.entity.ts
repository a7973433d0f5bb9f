import { Column, Entity, PrimaryColumn } from 'typeorm';

/** The one row that says since when registrations have been kept without a gap. */
@Entity({ name: 'replica_book' })
export class ReplicaBook {
  @PrimaryColumn({ type: 'boolean' })
  singleton!: boolean;

  @Column({ name: 'begun_at', type: 'timestamptz' })
  begunAt!: Date;
}
