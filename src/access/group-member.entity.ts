import { Column, Entity, PrimaryColumn } from 'typeorm';

/** Groups are named by people and by identity providers, who have slashes, spaces and accents. */
export const MAX_GROUP_NAME = 200;
export const GROUP_NAME_PATTERN = new RegExp(`^(?=\\S)[^\\p{Cc}\\p{Cs}]{1,${MAX_GROUP_NAME}}(?<=\\S)$`, 'u');

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
