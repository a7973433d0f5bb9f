import { Entity, PrimaryColumn } from 'typeorm';

/** What a record is found by: who, which service, which environment. Written by Postgres with the record. */
@Entity({ name: 'audit_lookup' })
export class AuditLookup {
  /** `orders`, `@production`, `orders@production`, `=<id or name of a credential or a person>`. */
  @PrimaryColumn({ type: 'text' })
  key!: string;

  @PrimaryColumn({ type: 'timestamptz' })
  at!: Date;

  @PrimaryColumn({ name: 'record_id', type: 'bigint' })
  recordId!: string;
}
