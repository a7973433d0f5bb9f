import { randomUUID } from 'node:crypto';
import type { EntityManager } from 'typeorm';
import { millisecondsOf } from '../http/duration';
import { lastingActor, type Actor } from '../kernel/actor';
import { DomainError } from '../kernel/domain-error';
import { StoredCredential } from './credential.entity';
import { DEFAULT_OVERLAP, type RotateCredential } from './credentials.dto';
import { hashOf, newSecret, shownPrefixOf } from './secret';

type SecretKind = 'token' | 'personal-token' | 'client-key';

/** How a credential is rotated. */
export interface RotationPlan extends Pick<RotateCredential, 'overlap'> {
  readonly kind: SecretKind;
  readonly expiresAt?: Date | undefined;
  readonly actor: Actor;
  readonly now: Date;
}

/** What every credential that people handle has in common. */
export interface Described {
  readonly id: string;
  readonly name: string;
  readonly prefix: string;
  readonly createdAt: Date;
  readonly createdBy: StoredCredential['createdBy'];
  readonly expiresAt: Date | null;
  readonly lastUsedAt: Date | null;
  readonly rotatedAt: Date | null;
  readonly previousExpiresAt: Date | null;
  readonly previousUsedAt: Date | null;
  readonly revokedAt: Date | null;
}

/** With its secret, which exists nowhere else but in the answer. */
export interface WithSecret<Row> {
  readonly row: Row;
  readonly secret: string;
}

export interface CredentialPlan {
  readonly kind: SecretKind;
  readonly name: string;
  readonly expiresAt?: Date | undefined;
  readonly actor: Actor;
  readonly now: Date;
}

/** A credential that is not stored yet. */
export function newCredential({ kind, name, expiresAt, actor, now }: CredentialPlan): WithSecret<StoredCredential> {
  const secret = newSecret(kind);
  const row: StoredCredential = {
    id: randomUUID(),
    kind: kind === 'client-key' ? kind : 'token',
    name,
    prefix: shownPrefixOf(secret),
    secretHash: hashOf(secret),
    serviceName: null,
    environmentId: null,
    personId: kind === 'personal-token' ? (actor.person?.id ?? null) : null,
    createdBy: lastingActor(actor),
    createdAt: now,
    expiresAt: expiresAt ?? null,
    lastUsedAt: null,
    rotatedAt: null,
    rotatedBy: [],
    previousSecretHash: null,
    previousExpiresAt: null,
    previousUsedAt: null,
    revokedAt: null,
  };
  return { row, secret };
}

/**
 * Gives a credential a new secret. The one before goes on for the overlap, never longer than it would have; the one
 * before that, if there still was one, ends. The row is locked by the caller.
 */
export async function rotateSecret<Row extends Described>(
  manager: EntityManager,
  row: Row,
  { kind, overlap = DEFAULT_OVERLAP, expiresAt, actor, now }: RotationPlan,
): Promise<WithSecret<Row>> {
  const overlapMs = millisecondsOf(overlap) ?? 0;
  const end = now.getTime() + overlapMs;
  const previousExpiresAt = overlapMs === 0 ? null : new Date(Math.min(end, ...[row.expiresAt, expiresAt].flatMap((moment) => moment?.getTime() ?? [])));
  const secret = newSecret(kind);
  const changed = { prefix: shownPrefixOf(secret), rotatedAt: now, previousExpiresAt, previousUsedAt: null, expiresAt: expiresAt ?? row.expiresAt };
  await manager.query(
    `UPDATE credential
        SET previous_secret_hash = CASE WHEN $3::timestamptz IS NOT NULL THEN secret_hash END, previous_expires_at = $3, previous_used_at = NULL,
            secret_hash = $2, prefix = $4, rotated_at = $5, expires_at = $6,
            rotated_by = CASE WHEN rotated_by @> $7::jsonb THEN rotated_by ELSE rotated_by || $7::jsonb END
      WHERE id = $1`,
    [row.id, hashOf(secret), previousExpiresAt, changed.prefix, now, changed.expiresAt, JSON.stringify([lastingActor(actor)])],
  );
  return { row: { ...row, ...changed }, secret };
}

/** @throws DomainError `malformed_request` for a moment that is over */
export function futureMoment(text: string, now: Date): Date {
  const moment = new Date(text);
  if (moment > now) return moment;
  throw new DomainError('malformed_request', 'expiresAt must be a moment in the future, such as 2027-01-31T12:00:00Z.', { pointer: '/expiresAt' });
}

export function isUsable({ expiresAt, revokedAt }: Pick<Described, 'expiresAt' | 'revokedAt'>, now: Date): boolean {
  return revokedAt === null && (expiresAt === null || expiresAt > now);
}

/** What all of them show of themselves. */
export function describedView({ id, name, prefix, createdAt, createdBy, expiresAt, lastUsedAt, rotatedAt, previousExpiresAt, previousUsedAt, revokedAt }: Described, now: Date) {
  const text = (moment: Date | null): string | null => moment?.toISOString() ?? null;
  const isOverlapping = previousExpiresAt !== null && previousExpiresAt > now && revokedAt === null;
  return {
    id,
    name,
    prefix,
    createdAt: createdAt.toISOString(),
    ...(createdBy === null ? {} : { createdBy }),
    expiresAt: text(expiresAt),
    lastUsedAt: text(lastUsedAt),
    rotatedAt: text(rotatedAt),
    ...(isOverlapping ? { previousSecret: { expiresAt: previousExpiresAt.toISOString(), lastUsedAt: text(previousUsedAt) } } : {}),
    revokedAt: text(revokedAt),
  };
}
