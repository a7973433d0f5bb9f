import type { DataSource, EntityManager } from 'typeorm';
import type { LastingActor } from '../kernel/actor';
import type { ServicePattern } from '../kernel/authority';
import type { SubjectKind } from './access-grant.entity';
import type { GivenGrant } from './granting';
import type { Role } from './roles';
import type { Subject } from './subjects';
import type { NameAndId } from './visible-page';

/** A grant with everything that is said of it. */
export interface StoredGrant extends GivenGrant {
  readonly id: string;
  readonly subject: Subject;
  readonly createdAt: Date;
  readonly createdBy: LastingActor;
}

export interface GrantFilter {
  readonly subjectKind?: SubjectKind | undefined;
  readonly subject?: string | undefined;
  readonly role?: Role | undefined;
  /** Only those that cover this service. */
  readonly service?: string | undefined;
  /** Only those given in one of these environments. */
  readonly lineage?: readonly string[] | undefined;
  /** At most those whose services lie within one of these. */
  readonly within: readonly ServicePattern[];
  readonly after: NameAndId | undefined;
  readonly count: number;
}

/** What personal tokens are limited to is no grant: it takes away. Nor does a revoked token have any. */
const GRANTS = `
  SELECT g.id, g.role, g.services, g.reveal, e.name AS environment, g.created_at AS "createdAt", g.created_by AS "createdBy",
         jsonb_build_object('kind', g.subject_kind, 'id', g.subject, 'name', coalesce(p.name, c.name, g.subject)) AS subject
    FROM access_grant g
    JOIN environment e ON e.id = g.environment_id
    LEFT JOIN person p ON g.subject_kind = 'person' AND p.id::text = g.subject
    LEFT JOIN credential c ON g.subject_kind = 'token' AND c.id::text = g.subject
   WHERE (g.subject_kind <> 'token' OR (c.person_id IS NULL AND c.revoked_at IS NULL))`;

/** The next `count` by services. */
export function readGrants(dataSource: DataSource, { subjectKind, subject, role, service, lineage, within, after, count }: GrantFilter): Promise<StoredGrant[]> {
  const names = within.flatMap((pattern) => ('name' in pattern ? [pattern.name] : []));
  const prefixes = within.flatMap((pattern) => ('prefix' in pattern ? [pattern.prefix] : []));
  return dataSource.query<StoredGrant[]>(
    `${GRANTS}
        AND ($1::text IS NULL OR g.subject_kind = $1)
        AND ($2::text IS NULL OR g.subject = $2)
        AND ($3::text IS NULL OR g.role = $3)
        AND ($4::text IS NULL OR g.services = $4 OR (g.services LIKE '%*' AND starts_with($4, rtrim(g.services, '*'))))
        AND ($5::text[] IS NULL OR e.name = ANY ($5))
        AND ($6 OR g.services = ANY ($7) OR EXISTS (SELECT FROM unnest($8::text[]) prefix WHERE starts_with(g.services, prefix)))
        AND ($9::text IS NULL OR (g.services, g.id::text) > ($9, $10))
      ORDER BY g.services, g.id::text LIMIT $11`,
    [subjectKind, subject, role, service, lineage, within.some((pattern) => 'all' in pattern), names, prefixes, after?.[0], after?.[1], count],
  );
}

/** Kept as it is until the end of the transaction. */
export async function lockGrant(manager: EntityManager, id: string): Promise<StoredGrant | undefined> {
  const [grant] = await manager.query<StoredGrant[]>(`${GRANTS} AND g.id = $1 FOR UPDATE OF g`, [id]);
  return grant;
}
