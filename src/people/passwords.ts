import type { EntityManager } from 'typeorm';

/** Stores a hash that was made before the transaction began: hashing takes long, and a lock is not held meanwhile. */
export async function storePassword(manager: EntityManager, personId: string, hash: string, now: Date): Promise<void> {
  await manager.query(
    `INSERT INTO person_password (person_id, hash, changed_at) VALUES ($1, $2, $3)
     ON CONFLICT (person_id) DO UPDATE SET hash = excluded.hash, changed_at = excluded.changed_at`,
    [personId, hash, now],
  );
}
