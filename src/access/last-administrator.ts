import type { EntityManager } from 'typeorm';
import { ADVISORY_LOCKS } from '../database/advisory-locks';
import { DomainError } from '../kernel/domain-error';

/** Everything at once: who holds the role everywhere, by a token of nobody's, or as a person who is able to sign in. */
const SOMEBODY = `
  SELECT EXISTS (
    SELECT FROM access_grant g JOIN environment e ON e.id = g.environment_id
     WHERE g.role = 'admin' AND g.services = '*' AND e.parent_id IS NULL AND CASE g.subject_kind
       WHEN 'token' THEN EXISTS (
         SELECT FROM credential c
          WHERE c.id::text = g.subject AND c.kind = 'token' AND c.person_id IS NULL AND c.revoked_at IS NULL AND (c.expires_at IS NULL OR c.expires_at > $1))
       ELSE EXISTS (
         SELECT FROM person p
          WHERE p.disabled_at IS NULL
            AND CASE g.subject_kind
              WHEN 'person' THEN p.id::text = g.subject
              ELSE EXISTS (SELECT FROM group_member m WHERE m.person_id = p.id AND m.group_name = g.subject)
            END
            AND (EXISTS (SELECT FROM person_password w WHERE w.person_id = p.id) OR EXISTS (SELECT FROM person_identity i WHERE i.person_id = p.id)))
     END) AS found`;

/**
 * For whatever takes somebody's rights away: does it, and undoes it, with the whole transaction, if nobody is left who may
 * administer. Such acts wait for each other, so that no two of them count on the same last one.
 *
 * @throws DomainError `last_administrator`
 */
export async function keepAdministrator<T>(manager: EntityManager, now: Date, act: () => Promise<T>): Promise<T> {
  await manager.query('SELECT pg_advisory_xact_lock($1, $2)', [...ADVISORY_LOCKS.administrators]);
  const result = await act();
  const [row] = await manager.query<{ found: boolean }[]>(SOMEBODY, [now]);
  if (row?.found === true) return result;
  throw new DomainError('last_administrator', 'Nobody could administer the server any more. Create another administrator token, or grant somebody else the role, first.');
}
