import { Column, Entity, PrimaryColumn } from 'typeorm';

/** How often something was tried in vain lately, and from when on it may be tried again. */
@Entity({ name: 'attempt' })
export class AttemptRecord {
  /** What is counted, and the hash of whose it is: what somebody typed for a login may have been a password. */
  @PrimaryColumn({ type: 'text' })
  key!: string;

  @Column({ type: 'int' })
  failures!: number;

  @Column({ name: 'next_at', type: 'timestamptz' })
  nextAt!: Date;

  @Column({ name: 'forget_at', type: 'timestamptz' })
  forgetAt!: Date;
}
