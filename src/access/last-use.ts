import { Inject, Injectable, Logger, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { CLOCK, type Clock } from '../kernel/clock';
import { withTimeLimit } from '../kernel/time-limit';
import type { Credential } from './credential';
import type { CredentialUse } from './credential-use';

const INTERVAL_MS = 60_000;
/** An orderly end does not wait for a database that does not answer. */
const FAREWELL_MS = 2_000;
const BATCH_SIZE = 1_000;

/**
 * Only forward, and not where somebody has written within the last minute; what another replica is writing right now is left
 * to it.
 */
const WRITE = `
  WITH used AS (
    SELECT c.id, max(u.at) AS at, max(u.at) FILTER (WHERE u.hash = c.previous_secret_hash) AS previous_at
      FROM unnest($1::bytea[], $2::timestamptz[]) u(hash, at) JOIN credential c ON u.hash IN (c.secret_hash, c.previous_secret_hash)
     GROUP BY c.id
  ), due AS (
    SELECT c.id, used.at, used.previous_at
      FROM credential c JOIN used USING (id)
     WHERE coalesce(used.at >= c.last_used_at + interval '1 minute', true)
        OR used.previous_at IS NOT NULL AND coalesce(used.previous_at >= c.previous_used_at + interval '1 minute', true)
     ORDER BY c.id
       FOR NO KEY UPDATE OF c SKIP LOCKED
  )
  UPDATE credential c
     SET last_used_at = greatest(c.last_used_at, due.at), previous_used_at = greatest(c.previous_used_at, due.previous_at)
    FROM due WHERE c.id = due.id`;

/**
 * When tokens and client keys were last used. Kept in memory, and written in batches once a minute: a request writes nothing.
 * What could not be written is kept for the next time; there is never more than one moment for each secret.
 */
@Injectable()
export class LastUse implements CredentialUse, OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger(LastUse.name);
  private seen = new Map<string, number>();
  private timer: NodeJS.Timeout | undefined;
  private writing: Promise<void> = Promise.resolve();

  constructor(
    private readonly dataSource: DataSource,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /** Sessions are looked after by whoever makes them last longer. */
  used({ kind, hash }: Credential): void {
    if (kind !== 'session' && hash !== undefined) this.seen.set(hash, this.clock.now().getTime());
  }

  onApplicationBootstrap(): void {
    this.timer = setInterval(() => void this.flush(), INTERVAL_MS).unref();
  }

  /** Before the pool is closed. */
  async beforeApplicationShutdown(): Promise<void> {
    clearInterval(this.timer);
    await withTimeLimit(FAREWELL_MS, this.flush(), 'Writing when credentials were used').catch(() => undefined);
  }

  /** Writes what has been seen. Never fails: it is tried again with what comes until then. */
  flush(): Promise<void> {
    this.writing = this.writing.then(() => this.write());
    return this.writing;
  }

  private async write(): Promise<void> {
    if (this.seen.size === 0 || !this.dataSource.isInitialized) return;
    const seen = [...this.seen];
    this.seen = new Map();
    for (let from = 0; from < seen.length; from += BATCH_SIZE) {
      const batch = seen.slice(from, from + BATCH_SIZE);
      try {
        await this.dataSource.query(WRITE, [batch.map(([hash]) => Buffer.from(hash, 'base64')), batch.map(([, at]) => new Date(at))]);
      } catch (error) {
        this.logger.debug(`When credentials were last used could not be written: ${String(error)}`);
        for (const [hash, at] of seen.slice(from)) if (!this.seen.has(hash)) this.seen.set(hash, at);
        return;
      }
    }
  }
}
