import type { Permission } from '../kernel/authority';

/** What can be granted to people, groups and tokens. */
export const ROLES = ['viewer', 'editor', 'publisher', 'approver', 'owner', 'admin'] as const;
export type Role = (typeof ROLES)[number];

const VIEWER: readonly Permission[] = ['read', 'view'];
const EDITOR: readonly Permission[] = [...VIEWER, 'edit'];
const PUBLISHER: readonly Permission[] = [...EDITOR, 'publish'];
const OWNER: readonly Permission[] = [...PUBLISHER, 'approve', 'override', 'grant'];

/**
 * What each role allows where it is granted. `reveal` is in none: whoever shall be shown secrets is granted that by name.
 * `client` is what a client key is to its service, and cannot be granted.
 */
export const PERMISSIONS_OF: Readonly<Record<Role | 'client', readonly Permission[]>> = {
  viewer: VIEWER,
  editor: EDITOR,
  publisher: PUBLISHER,
  approver: [...VIEWER, 'approve'],
  owner: OWNER,
  admin: [...OWNER, 'administer'],
  client: ['read', 'reveal'],
};
