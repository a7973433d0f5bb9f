import type { EntityManager } from 'typeorm';
import { prepared } from '../database/prepared';
import { lastingActor, type Actor } from '../kernel/actor';
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
  'log.recover',
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
export async function recordAudit(manager: EntityManager, entry: AuditEntry): Promise<void> {
  await recordAudits(manager, [entry]);
}

/** The same for several at once, in their order. */
export async function recordAudits(manager: EntityManager, entries: readonly AuditEntry[]): Promise<void> {
  const rows = entries.map(({ actor, action, subject, revision }) => ({
    actor: lastingActor(actor),
    action,
    subject,
    request_id: actor.requestId ?? null,
    revision: revision ?? null,
  }));
  await prepared(
    manager,
    'record audits',
    `INSERT INTO audit_record (actor, action, subject, request_id, revision)
     SELECT actor, action, subject, request_id, revision
       FROM jsonb_to_recordset($1) AS r(actor jsonb, action text, subject jsonb, request_id text, revision bigint)`,
    [JSON.stringify(rows)],
  );
}
