import type { DataSource, EntityManager } from 'typeorm';
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
  'token.rotate',
  'token.revoke',
  'client-key.create',
  'client-key.rotate',
  'client-key.revoke',
  'grant.create',
  'grant.delete',
  'change.create',
  'change.update',
  'change.discard',
  'change.publish',
  'change.publish-emergency',
  'change.review',
  'change.review-withdraw',
  'change.comment',
  'change.comment-delete',
  'change.schedule',
  'change.unschedule',
  'change.schedule-fail',
  'data-key.create',
  'data-key.rewrap',
  'secret.reveal',
  'secret.reveal-refused',
  'person.create',
  'person.update',
  'person.disable',
  'person.enable',
  'person.link',
  'person.password',
  'person.groups',
  'group.add',
  'group.remove',
  'session.create',
  'session.refuse',
  'session.end',
  'log.recover',
  'audit.export',
] as const;
export type AuditAction = (typeof AUDIT_ACTIONS)[number];

export interface AuditEntry {
  readonly actor: Actor;
  readonly action: AuditAction;
  /**
   * Names and ids of what it was done to; no values, no secrets. By `service`, `environment` and `layers`, which is a list of
   * objects with both, it is found.
   */
  readonly subject: Readonly<Record<string, unknown>>;
  /**
   * What it changed: versions before and after, names of `fields`; no values, no secrets. Layers of which there may be many
   * stand here, as `layers`, and are found as well.
   */
  readonly changed?: Readonly<Record<string, unknown>>;
  readonly revision?: Revision;
}

/**
 * Writes the record inside the caller's transaction: what is not recorded did not happen, and the other way round. Postgres
 * links it into the chain when that commits (docs/adr/0020).
 */
export async function recordAudit(manager: EntityManager, entry: AuditEntry): Promise<void> {
  await recordAudits(manager, [entry]);
}

/** For an act that writes nothing else, as reading a secret is: to be awaited before what was asked for is handed out. */
export function recordAct(dataSource: DataSource, entry: AuditEntry): Promise<void> {
  return dataSource.transaction((manager) => recordAudit(manager, entry));
}

/** The same for several at once, in their order. */
export async function recordAudits(manager: EntityManager, entries: readonly AuditEntry[]): Promise<void> {
  const rows = entries.map(({ actor, action, subject, changed = {}, revision }) => ({
    actor: lastingActor(actor),
    action,
    subject,
    changed,
    request_id: actor.requestId ?? null,
    address: actor.address === undefined ? null : plainAddress(actor.address),
    revision: revision ?? null,
  }));
  await prepared(
    manager,
    'record audits',
    `INSERT INTO audit_record (actor, action, subject, changed, request_id, address, revision)
     SELECT actor, action, subject, changed, request_id, address, revision
       FROM jsonb_to_recordset($1) AS r(actor jsonb, action text, subject jsonb, changed jsonb, request_id text, address text, revision bigint)`,
    [JSON.stringify(rows)],
  );
}

/** An IPv4 address in its own spelling also where the server listens on IPv6, and never more than an index takes. */
function plainAddress(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/i, '').slice(0, 64);
}
