import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { ADVISORY_LOCKS } from '../database/advisory-locks';
import type { Settings } from '../settings/settings';

const INTERVAL_MS = 1_000;
const QUERY_TIMEOUT_MS = 5_000;
/** Postgres ends the session of a process that was paused or cut off for longer, and gives the lock to another. */
const MAX_SILENCE_MS = 5_000;

/**
 * The lock that one replica at a time holds: the one that distributes. It belongs to a database session of its own and
 * ends with it. A process that was paused may believe for a while that it still holds the lock;
 * therefore every write is compared with what it replaces.
 */
export class DistributorLock {
  private constructor(
    private readonly client: Client,
    private readonly ended: AbortController,
  ) {}

  /** Aborted when the lock is lost. */
  get lost(): AbortSignal {
    return this.ended.signal;
  }

  /** Waits for the lock for as long as it takes. Rejects when the database cannot be asked, or `signal` is aborted. */
  static async acquire({ databaseUrl = '', database }: Settings, signal: AbortSignal): Promise<DistributorLock> {
    const ended = new AbortController();
    const client = new Client({
      connectionString: databaseUrl,
      application_name: 'trimtab distributor',
      connectionTimeoutMillis: database.connectTimeoutMs,
      query_timeout: QUERY_TIMEOUT_MS,
      keepAlive: true,
    });
    client.on('error', () => ended.abort());
    client.on('end', () => ended.abort());
    const lock = new DistributorLock(client, ended);
    try {
      await client.connect();
      await client.query(`SET idle_session_timeout = ${MAX_SILENCE_MS}`);
      while (!(await lock.isFree())) await sleep(INTERVAL_MS, undefined, { signal });
      signal.throwIfAborted();
      void lock.keep();
      return lock;
    } catch (error) {
      await lock.release();
      throw error;
    }
  }

  async release(): Promise<void> {
    this.ended.abort();
    await this.client.end().catch(() => undefined);
  }

  private async isFree(): Promise<boolean> {
    const { rows } = await this.client.query<{ taken: boolean }>('SELECT pg_try_advisory_lock($1, $2) AS taken', [...ADVISORY_LOCKS.distribution]);
    return rows[0]?.taken === true;
  }

  /** A session nobody answers on is lost, and the lock with it: Postgres will notice later. */
  private async keep(): Promise<void> {
    try {
      while (!this.lost.aborted) {
        await sleep(INTERVAL_MS, undefined, { signal: this.lost });
        await this.client.query('SELECT 1');
      }
    } catch {
      this.ended.abort();
    }
  }
}
