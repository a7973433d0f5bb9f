import { Column, Entity, PrimaryColumn } from 'typeorm';

/** Somebody who can be granted something. Never removed, because history names them; disabled instead. */
@Entity({ name: 'person' })
export class Person {
  @PrimaryColumn({ type: 'uuid' })
  id!: string;

  /** What they sign in with here; in its one spelling. Null for who signs in at an identity provider only. */
  @Column({ type: 'text', nullable: true })
  login!: string | null;

  /** What others see. */
  @Column({ type: 'text' })
  name!: string;

  @Column({ name: 'created_at', type: 'timestamptz' })
  createdAt!: Date;

  @Column({ name: 'disabled_at', type: 'timestamptz', nullable: true })
  disabledAt!: Date | null;
}
