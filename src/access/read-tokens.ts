import type { DataSource, EntityManager } from 'typeorm';
import type { LastingActor, PersonName } from '../kernel/actor';
import type { GivenGrant, HeldToken } from './granting';
import type { NameAndId } from './visible-page';

/** A token with everything that is said of it. */
export interface StoredToken extends HeldToken {
  readonly name: string;
  readonly prefix: string;
  readonly person: PersonName | null;
  readonly grants: readonly GivenGrant[];
  readonly createdAt: Date;
  readonly createdBy: LastingActor | null;
  readonly expiresAt: Date | null;
  readonly lastUsedAt: Date | null;
  readonly rotatedAt: Date | null;
  readonly previousExpiresAt: Date | null;
  readonly previousUsedAt: Date | null;
  readonly revokedAt: Date | null;
}

const TOKENS = `
  SELECT c.id, c.name, c.prefix,
         CASE WHEN p.id IS NOT NULL THEN jsonb_build_object('id', p.id, 'name', p.name) END AS person,
         coalesce((SELECT jsonb_agg(jsonb_build_object('role', g.role, 'services', g.services, 'environment', e.name, 'reveal', g.reveal)
                                    ORDER BY g.services, e.name, g.role)
                     FROM access_grant g JOIN environment e ON e.id = g.environment_id
                    WHERE g.subject_kind = 'token' AND g.subject = c.id::text), '[]') AS grants,
         c.created_at AS "createdAt", c.created_by AS "createdBy", c.expires_at AS "expiresAt", c.last_used_at AS "lastUsedAt",
         c.rotated_at AS "rotatedAt", c.previous_expires_at AS "previousExpiresAt", c.previous_used_at AS "previousUsedAt", c.revoked_at AS "revokedAt"
    FROM credential c LEFT JOIN person p ON p.id = c.person_id
   WHERE c.kind = 'token'`;

/** The next `count` tokens by name. `of`: personal tokens of this person and service tokens; without it, all. */
export function readTokens(
  dataSource: DataSource,
  { after, revoked, of, count }: { readonly after: NameAndId | undefined; readonly revoked: boolean; readonly of: string | undefined; readonly count: number },
): Promise<StoredToken[]> {
  return dataSource.query<StoredToken[]>(
    `${TOKENS}
        AND ($1 OR c.revoked_at IS NULL)
        AND ($2::text IS NULL OR c.person_id IS NULL OR c.person_id::text = $2)
        AND ($3::text IS NULL OR (c.name, c.id::text) > ($3, $4))
      ORDER BY c.name, c.id::text LIMIT $5`,
    [revoked, of, after?.[0], after?.[1], count],
  );
}

/** Kept as it is until the end of the transaction. */
export async function lockToken(manager: EntityManager, id: string): Promise<StoredToken | undefined> {
  const [token] = await manager.query<StoredToken[]>(`${TOKENS} AND c.id = $1 FOR NO KEY UPDATE OF c`, [id]);
  return token;
}
