import { Column, Entity, PrimaryColumn } from 'typeorm';

/** The link that makes the first administrator; one row. */
@Entity({ name: 'setup_link' })
export class SetupLink {
  @PrimaryColumn({ type: 'boolean' })
  singleton!: boolean;

  @Column({ name: 'secret_hash', type: 'bytea', nullable: true, select: false })
  secretHash!: Buffer | null;

  @Column({ name: 'expires_at', type: 'timestamptz', nullable: true })
  expiresAt!: Date | null;

  /** Since when there will never be one again. */
  @Column({ name: 'closed_at', type: 'timestamptz', nullable: true })
  closedAt!: Date | null;
}
