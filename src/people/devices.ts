import { randomBytes } from 'node:crypto';
import type { EntityManager } from 'typeorm';
import { hashOf } from '../access/secret';

const KEPT_DAYS = 180;
const MAX_DEVICES = 100;
export const DEVICE_SECONDS = KEPT_DAYS * 86_400;
const WELL_FORMED = /^[A-Za-z0-9_-]{43}$/;

/** Whether the person has signed in with this browser before. */
export async function isKnownDevice(manager: EntityManager, secret: string | undefined, personId: string | undefined, now: Date): Promise<boolean> {
  const rows = await manager.query<unknown[]>('SELECT FROM known_device WHERE secret_hash = $1 AND person_id = $2 AND expires_at > $3', [
    hashOf(secret ?? ''),
    personId ?? null,
    now,
  ]);
  return secret !== undefined && rows.length > 0;
}

/** Remembers the browser, by the secret it has or by a new one. Answers the secret for its cookie. */
export async function rememberDevice(manager: EntityManager, known: string | undefined, personId: string, now: Date): Promise<string> {
  const secret = known !== undefined && WELL_FORMED.test(known) ? known : randomBytes(32).toString('base64url');
  await manager.query(
    `INSERT INTO known_device (secret_hash, person_id, expires_at) VALUES ($1, $2, $3)
     ON CONFLICT (secret_hash, person_id) DO UPDATE SET expires_at = excluded.expires_at`,
    [hashOf(secret), personId, new Date(now.getTime() + DEVICE_SECONDS * 1000)],
  );
  await manager.query(
    `DELETE FROM known_device WHERE person_id = $1 AND (expires_at <= $2 OR secret_hash IN (SELECT secret_hash FROM known_device WHERE person_id = $1 ORDER BY expires_at DESC OFFSET ${MAX_DEVICES}))`,
    [personId, now],
  );
  return secret;
}

/** After a password was set anew: whoever had the old one may have one of them. */
export async function forgetDevices(manager: EntityManager, personId: string): Promise<void> {
  await manager.query('DELETE FROM known_device WHERE person_id = $1', [personId]);
}
