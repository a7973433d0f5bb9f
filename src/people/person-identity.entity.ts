import { Column, Entity, PrimaryColumn } from 'typeorm';

/** Who a person is to an identity provider. */
@Entity({ name: 'person_identity' })
export class PersonIdentity {
  @PrimaryColumn({ type: 'text' })
  issuer!: string;

  @PrimaryColumn({ type: 'text' })
  subject!: string;

  @Column({ name: 'person_id', type: 'uuid' })
  personId!: string;

  @Column({ name: 'created_at', type: 'timestamptz' })
  createdAt!: Date;
}
