import { Column, Entity, PrimaryColumn } from 'typeorm';

/** A key that values of a service are sealed with, wrapped by a master key. */
@Entity({ name: 'data_key' })
export class StoredDataKey {
  @PrimaryColumn({ type: 'uuid' })
  id!: string;

  @Column({ name: 'service_id', type: 'int' })
  serviceId!: number;

  @Column({ type: 'bytea' })
  wrapped!: Buffer;

  /** Id of the master key that opens it. */
  @Column({ name: 'master_key', type: 'text' })
  masterKey!: string;

  @Column({ name: 'created_at', type: 'timestamptz' })
  createdAt!: Date;

  /** No new values are sealed with it since. */
  @Column({ name: 'retired_at', type: 'timestamptz', nullable: true })
  retiredAt!: Date | null;
}
