import { Column, Entity, PrimaryColumn } from 'typeorm';

export type SignInMethod = 'password' | 'oidc' | 'link' | 'setup';

/** What a session has beside its credential. The credential expires when it is not used; this says when it ends in any case. */
@Entity({ name: 'session' })
export class Session {
  @PrimaryColumn({ name: 'credential_id', type: 'uuid' })
  credentialId!: string;

  @Column({ type: 'text' })
  method!: SignInMethod;

  @Column({ name: 'ends_at', type: 'timestamptz' })
  endsAt!: Date;

  @Column({ type: 'text' })
  address!: string;

  @Column({ name: 'user_agent', type: 'text' })
  userAgent!: string;
}
