import { Column, Entity, PrimaryColumn } from 'typeorm';

/** The password of somebody who signs in here and not at an identity provider. */
@Entity({ name: 'person_password' })
export class PersonPassword {
  @PrimaryColumn({ name: 'person_id', type: 'uuid' })
  personId!: string;

  /** argon2id, with its salt and its parameters, in PHC format. */
  @Column({ type: 'text', select: false })
  hash!: string;

  @Column({ name: 'changed_at', type: 'timestamptz' })
  changedAt!: Date;
}
