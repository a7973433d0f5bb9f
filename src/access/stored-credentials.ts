import { Inject, Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { DiskCopy } from '../copy/disk-copy';
import type { PersonName } from '../kernel/actor';
import { CLOCK, type Clock } from '../kernel/clock';
import { LogListener } from '../notify/log-listener';
import { onAccessChange } from '../notify/on-access-change';
import type { Credential } from './credential';
import type { CredentialStore, HashedCredential } from './credential-store';
import type { Grant } from './grant';

interface UsableRow {
  readonly id: string;
  readonly kind: Credential['kind'];
  readonly name: string;
  readonly service_name: string | null;
  readonly environment: string | null;
  readonly expires_at: Date | null;
  readonly secret_hash: Buffer;
  readonly previous_secret_hash: Buffer | null;
  readonly previous_expires_at: Date | null;
  readonly person: PersonName | null;
  readonly own: Grant[] | null;
  readonly of_person: Grant[] | null;
}

const grantsWhere = (condition: string): string => `
  SELECT jsonb_agg(jsonb_build_object('role', g.role, 'services', g.services, 'environment', ge.name, 'reveal', g.reveal) ORDER BY g.id)
    FROM access_grant g JOIN environment ge ON ge.id = g.environment_id
   WHERE ${condition}`;

const USABLE = `
  SELECT c.id, c.kind, c.name, c.service_name, c.expires_at, c.secret_hash, e.name AS environment,
         CASE WHEN c.previous_expires_at > $1 THEN c.previous_secret_hash END AS previous_secret_hash, c.previous_expires_at,
         CASE WHEN p.id IS NOT NULL THEN jsonb_build_object('id', p.id, 'name', p.name) END AS person,
         (${grantsWhere(`g.subject_kind = 'token' AND g.subject = c.id::text`)}) AS own,
         (${grantsWhere(`(g.subject_kind = 'person' AND g.subject = p.id::text)
            OR (g.subject_kind = 'group' AND g.subject IN (SELECT m.group_name FROM group_member m WHERE m.person_id = p.id))`)}) AS of_person
    FROM credential c
    LEFT JOIN environment e ON e.id = c.environment_id
    LEFT JOIN person p ON p.id = c.person_id
   WHERE c.revoked_at IS NULL AND (c.expires_at IS NULL OR c.expires_at > $1) AND p.disabled_at IS NULL`;

/** The credentials in the database. */
@Injectable()
export class StoredCredentials implements CredentialStore {
  constructor(
    private readonly dataSource: DataSource,
    private readonly log: LogListener,
    @Inject(CLOCK) private readonly clock: Clock,
    private readonly copy: DiskCopy,
  ) {}

  async usable(): Promise<HashedCredential[]> {
    // Never open since the start: what was usable when the disk copy was written is the best that is known.
    if (!this.dataSource.isInitialized) return this.copied();
    const rows = await this.dataSource.query<UsableRow[]>(USABLE, [this.clock.now()]);
    return rows.flatMap(credentialsOf);
  }

  async find(hash: Buffer): Promise<HashedCredential | undefined> {
    const rows = await this.dataSource.query<UsableRow[]>(`${USABLE} AND (c.secret_hash = $2 OR c.previous_secret_hash = $2)`, [this.clock.now(), hash]);
    const text = hash.toString('base64');
    return rows.flatMap(credentialsOf).find((credential) => credential.hash === text);
  }

  onChange(listener: () => Promise<void>): () => void {
    return onAccessChange(this.log, this.dataSource, listener);
  }

  private copied(): HashedCredential[] {
    return (this.copy.state?.credentials ?? []).map(({ expiresAt, grants, limits, ...credential }) =>
      Object.freeze({
        ...credential,
        ...(grants === undefined ? {} : { grants: grants as readonly Grant[] }),
        ...(limits === undefined ? {} : { limits: limits as readonly Grant[] }),
        ...(expiresAt === undefined ? {} : { expiresAt: new Date(expiresAt) }) }),
    );
  }
}

/** By its secret, and by the one before while that still works. */
function credentialsOf(row: UsableRow): HashedCredential[] {
  const credential = credentialOf(row);
  const current = Object.freeze({ ...credential, hash: row.secret_hash.toString('base64') });
  const { previous_secret_hash: previous, previous_expires_at: expiresAt } = row;
  if (previous === null || expiresAt === null) return [current];
  return [current, Object.freeze({ ...credential, hash: previous.toString('base64'), expiresAt, isPrevious: true as const })];
}

function credentialOf(row: UsableRow): Credential {
  return {
    kind: row.kind,
    id: row.id,
    name: row.name,
    ...(row.person === null ? {} : { person: row.person }),
    ...(row.kind === 'client-key' ? {} : grantsOf(row)),
    ...(row.service_name === null ? {} : { service: row.service_name }),
    ...(row.environment === null ? {} : { environment: row.environment }),
    ...(row.expires_at === null ? {} : { expiresAt: row.expires_at }),
  };
}

/** A person's tool may do what the person may, and if anything was granted to it, only as far as that goes. */
function grantsOf({ person, own, of_person: ofPerson }: UsableRow): Pick<Credential, 'grants' | 'limits'> {
  if (person === null) return { grants: own ?? [] };
  return { grants: ofPerson ?? [], ...(own === null ? {} : { limits: own }) };
}
