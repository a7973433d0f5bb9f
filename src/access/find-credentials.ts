import type { EntityManager } from 'typeorm';
import type { Credential } from './credential';

interface UsableRow {
  readonly id: string;
  readonly kind: Credential['kind'];
  readonly name: string;
  readonly service_name: string | null;
  readonly environment: string | null;
  readonly expires_at: Date | null;
}

const USABLE = 'revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $1)';

export async function findUsable(manager: EntityManager, hash: Buffer, now: Date): Promise<Credential | undefined> {
  const [row] = await manager.query<UsableRow[]>(
    `SELECT c.id, c.kind, c.name, c.service_name, c.expires_at, e.name AS environment
       FROM credential c LEFT JOIN environment e ON e.id = c.environment_id
      WHERE secret_hash = $2 AND ${USABLE}`,
    [now, hash],
  );
  if (row === undefined) return undefined;
  return Object.freeze({
    kind: row.kind,
    id: row.id,
    name: row.name,
    ...(row.service_name === null ? {} : { service: row.service_name }),
    ...(row.environment === null ? {} : { environment: row.environment }),
    ...(row.expires_at === null ? {} : { expiresAt: row.expires_at }),
  });
}

export async function usableCredentials(manager: EntityManager, now: Date): Promise<{ ids: ReadonlySet<string>; nextExpiry: Date | undefined }> {
  const rows = await manager.query<Pick<UsableRow, 'id' | 'expires_at'>[]>(`SELECT id, expires_at FROM credential WHERE ${USABLE} ORDER BY expires_at`, [now]);
  return { ids: new Set(rows.map(({ id }) => id)), nextExpiry: rows[0]?.expires_at ?? undefined };
}
