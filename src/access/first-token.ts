import { randomUUID } from 'node:crypto';
import type { DataSource, EntityManager } from 'typeorm';
import { recordAudit } from '../audit/record-audit';
import { ADVISORY_LOCKS } from '../database/advisory-locks';
import { lastingActor, SYSTEM_ACTOR } from '../kernel/actor';
import { announce } from '../notify/announce';
import { StoredCredential } from './credential.entity';
import type { SubjectKind } from './access-grant.entity';
import { hashOf, newSecret, shownPrefixOf } from './secret';

/**
 * At the very first start: an administrator token, to be shown once. Undefined when there ever was one, also when it
 * was revoked since, so that a restart never opens a door. Of several processes that start at once, one gets it.
 */
export async function ensureAdministratorToken(dataSource: DataSource): Promise<string | undefined> {
  return dataSource.transaction(async (manager) => {
    await manager.query('SELECT pg_advisory_xact_lock($1, $2)', [...ADVISORY_LOCKS.firstToken]);
    if (await manager.existsBy(StoredCredential, { kind: 'token' })) return undefined;
    const secret = newSecret('token');
    const id = randomUUID();
    const name = 'first administrator';
    await manager.insert(StoredCredential, {
      id,
      kind: 'token',
      name,
      prefix: shownPrefixOf(secret),
      secretHash: hashOf(secret),
      serviceName: null,
      environmentId: null,
      createdAt: new Date(),
      expiresAt: null,
      revokedAt: null,
      personId: null,
      createdBy: null,
      lastUsedAt: null,
    });
    await grantAdministration(manager, 'token', id);
    await recordAudit(manager, { actor: SYSTEM_ACTOR, action: 'token.create', subject: { id, name } });
    await announce(manager, 'access');
    return secret;
  });
}

/** Everything, everywhere, by the word of the process itself. */
export async function grantAdministration(manager: EntityManager, subjectKind: SubjectKind, subject: string): Promise<void> {
  await manager.query(
    `INSERT INTO access_grant (id, subject_kind, subject, role, services, environment_id, created_by)
     SELECT $1, $2, $3, 'admin', '*', id, $4 FROM environment WHERE parent_id IS NULL`,
    [randomUUID(), subjectKind, subject, lastingActor(SYSTEM_ACTOR)],
  );
}
