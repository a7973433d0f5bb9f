import { Column, Entity, PrimaryColumn } from 'typeorm';

/** The place of a record among all others. Written by Postgres when the record is committed, and only then. */
@Entity({ name: 'audit_chain' })
export class AuditChainLink {
  @PrimaryColumn({ type: 'bigint' })
  position!: string;

  @Column({ name: 'record_id', type: 'bigint' })
  recordId!: string;

  /** SHA-256 over the record and the hash of the position before. */
  @Column({ type: 'bytea' })
  hash!: Buffer;
}
