import { Inject, Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { DiskCopy } from '../copy/disk-copy';
import { CLOCK, type Clock } from '../kernel/clock';
import { DomainError } from '../kernel/domain-error';
import { LogListener } from '../notify/log-listener';
import type { Credential } from './credential';
import type { CredentialStore, HashedCredential } from './credential-store';

interface UsableRow {
  readonly id: string;
  readonly kind: Credential['kind'];
  readonly name: string;
  readonly service_name: string | null;
  readonly environment: string | null;
  readonly expires_at: Date | null;
  readonly secret_hash: Buffer;
}

const USABLE = `
  SELECT c.id, c.kind, c.name, c.service_name, c.expires_at, c.secret_hash, e.name AS environment
    FROM credential c LEFT JOIN environment e ON e.id = c.environment_id
   WHERE revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $1)`;

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
    return rows.map((row) => Object.freeze({ ...credentialOf(row), hash: row.secret_hash.toString('base64') }));
  }

  async find(hash: Buffer): Promise<Credential | undefined> {
    const [row] = await this.dataSource.query<UsableRow[]>(`${USABLE} AND secret_hash = $2`, [this.clock.now(), hash]);
    return row && Object.freeze(credentialOf(row));
  }

  onChange(listener: () => Promise<void>): () => void {
    let told: number | undefined;
    // Nobody else tells as long as the database is away.
    if (!this.dataSource.isInitialized) void listener();
    return this.log.subscribe(async ({ access }) => {
      if (access === told) return;
      // What was read from the copy does not count as having heard.
      const isOpen = this.dataSource.isInitialized;
      await listener();
      if (isOpen) told = access;
      else throw new DomainError('unavailable', 'The database is not open yet.');
    });
  }

  private copied(): HashedCredential[] {
    return (this.copy.state?.credentials ?? []).map(({ expiresAt, ...credential }) =>
      Object.freeze({ ...credential, ...(expiresAt === undefined ? {} : { expiresAt: new Date(expiresAt) }) }),
    );
  }
}

function credentialOf(row: UsableRow): Credential {
  return {
    kind: row.kind,
    id: row.id,
    name: row.name,
    ...(row.service_name === null ? {} : { service: row.service_name }),
    ...(row.environment === null ? {} : { environment: row.environment }),
    ...(row.expires_at === null ? {} : { expiresAt: row.expires_at }),
  };
}
