import { Column, Entity, PrimaryColumn } from 'typeorm';

export type LinkPurpose = 'invitation' | 'reset';

/** A link with which a person sets a password, once. */
@Entity({ name: 'person_link' })
export class PersonLink {
  @PrimaryColumn({ name: 'person_id', type: 'uuid' })
  personId!: string;

  @Column({ type: 'text' })
  purpose!: LinkPurpose;

  @Column({ name: 'secret_hash', type: 'bytea', select: false })
  secretHash!: Buffer;

  @Column({ name: 'created_at', type: 'timestamptz' })
  createdAt!: Date;

  @Column({ name: 'expires_at', type: 'timestamptz' })
  expiresAt!: Date;
}
