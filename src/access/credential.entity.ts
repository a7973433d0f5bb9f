import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { LastingActor } from '../kernel/actor';

/** A credential as it is stored: everything but the secret. */
@Entity({ name: 'credential' })
export class StoredCredential {
  @PrimaryColumn({ type: 'uuid' })
  id!: string;

  @Column({ type: 'text' })
  kind!: 'token' | 'client-key' | 'session';

  @Column({ type: 'text' })
  name!: string;

  /** First characters of the secret, so that it can be recognised. */
  @Column({ type: 'text' })
  prefix!: string;

  @Column({ name: 'secret_hash', type: 'bytea', select: false })
  secretHash!: Buffer;

  /** A name, not a key: `*` is no service, and a key may be made before its service. */
  @Column({ name: 'service_name', type: 'text', nullable: true })
  serviceName!: string | null;

  @Column({ name: 'environment_id', type: 'int', nullable: true })
  environmentId!: number | null;

  /** Whom it acts for. */
  @Column({ name: 'person_id', type: 'uuid', nullable: true })
  personId!: string | null;

  @Column({ name: 'created_by', type: 'jsonb', nullable: true })
  createdBy!: LastingActor | null;

  /** About when it was last used, as far as was written. */
  @Column({ name: 'last_used_at', type: 'timestamptz', nullable: true })
  lastUsedAt!: Date | null;

  @Column({ name: 'rotated_at', type: 'timestamptz', nullable: true })
  rotatedAt!: Date | null;

  /** All who have been given a secret of it since it was made. */
  @Column({ name: 'rotated_by', type: 'jsonb' })
  rotatedBy!: readonly LastingActor[];

  /** Of the secret before this one, which works until {@link previousExpiresAt}. */
  @Column({ name: 'previous_secret_hash', type: 'bytea', nullable: true, select: false })
  previousSecretHash!: Buffer | null;

  @Column({ name: 'previous_expires_at', type: 'timestamptz', nullable: true })
  previousExpiresAt!: Date | null;

  /** Like {@link lastUsedAt}, of the secret before this one. */
  @Column({ name: 'previous_used_at', type: 'timestamptz', nullable: true })
  previousUsedAt!: Date | null;

  @Column({ name: 'created_at', type: 'timestamptz' })
  createdAt!: Date;

  @Column({ name: 'expires_at', type: 'timestamptz', nullable: true })
  expiresAt!: Date | null;

  @Column({ name: 'revoked_at', type: 'timestamptz', nullable: true })
  revokedAt!: Date | null;
}
