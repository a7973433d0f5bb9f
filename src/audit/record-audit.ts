import type { EntityManager } from 'typeorm';
import type { Actor } from '../kernel/actor';
import type { Revision } from '../kernel/revision';

/** What can be done, as `noun.verb`. */
export const AUDIT_ACTIONS = [
  'environment.create',
  'environment.update',
  'service.create',
  'service.update',
  'service.archive',
  'service.restore',
  'token.create',
  'token.revoke',
  'client-key.create',
  'client-key.revoke',
  'change.create',
  'change.update',
  'change.discard',
  'change.publish',
] as const;
export type AuditAction = (typeof AUDIT_ACTIONS)[number];

export interface AuditEntry {
  readonly actor: Actor;
  readonly action: AuditAction;
  /** Names and ids of what it was done to; no values, no secrets. */
  readonly subject: Readonly<Record<string, unknown>>;
  readonly revision?: Revision;
}

/** Writes the record inside the caller's transaction: what is not recorded did not happen, and the other way round. */
export async function recordAudit(manager: EntityManager, { actor, action, subject, revision }: AuditEntry): Promise<void> {
  const { kind, id, name, requestId } = actor;
  await manager.query('INSERT INTO audit_record (actor, action, subject, request_id, revision) VALUES ($1, $2, $3, $4, $5)', [
    JSON.stringify({ kind, id, name }),
    action,
    JSON.stringify(subject),
    requestId ?? null,
    revision ?? null,
  ]);
}
