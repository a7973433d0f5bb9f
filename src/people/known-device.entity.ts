import { Column, Entity, PrimaryColumn } from 'typeorm';

/** A browser in which a person has signed in before, by a secret that it keeps. */
@Entity({ name: 'known_device' })
export class KnownDevice {
  @PrimaryColumn({ name: 'secret_hash', type: 'bytea' })
  secretHash!: Buffer;

  @PrimaryColumn({ name: 'person_id', type: 'uuid' })
  personId!: string;

  @Column({ name: 'expires_at', type: 'timestamptz' })
  expiresAt!: Date;
}
