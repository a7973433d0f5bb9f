import { Column, Entity, PrimaryColumn } from 'typeorm';

/** That a person belongs to a group, by the word of somebody here (`local`) or of the identity provider (`oidc`). */
@Entity({ name: 'group_member' })
export class GroupMember {
  @PrimaryColumn({ name: 'person_id', type: 'uuid' })
  personId!: string;

  @PrimaryColumn({ name: 'group_name', type: 'text' })
  groupName!: string;

  @Column({ type: 'text', primary: true })
  source!: 'local' | 'oidc';
}
