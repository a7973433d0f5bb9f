import { Column, Entity, PrimaryColumn } from 'typeorm';

/** A credential as it is stored: everything but the secret. */
@Entity('credential')
export class StoredCredential {
  @PrimaryColumn('uuid')
  id!: string;

  @Column('text')
  kind!: 'token' | 'client-key';

  @Column('text')
  name!: string;

  /** First characters of the secret, so that it can be recognised. */
  @Column('text')
  prefix!: string;

  @Column('bytea', { name: 'secret_hash', select: false })
  secretHash!: Buffer;

  /** A name, not a key: `*` is no service, and a key may be made before its service. */
  @Column('text', { name: 'service_name', nullable: true })
  serviceName!: string | null;

  @Column('int', { name: 'environment_id', nullable: true })
  environmentId!: number | null;

  @Column('timestamptz', { name: 'created_at' })
  createdAt!: Date;

  @Column('timestamptz', { name: 'expires_at', nullable: true })
  expiresAt!: Date | null;

  @Column('timestamptz', { name: 'revoked_at', nullable: true })
  revokedAt!: Date | null;
}
