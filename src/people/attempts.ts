import { Injectable } from '@nestjs/common';
import { createHash } from 'node:crypto';
import { DataSource } from 'typeorm';
import { DomainError } from '../kernel/domain-error';
import { ATTEMPT_LIMITS, pauseAfter, type AttemptKind } from './attempt-limits';

/** What an attempt is counted by: `{ kind: 'login', of: 'ada' }`. */
export interface AttemptSubject {
  readonly kind: AttemptKind;
  readonly of: string;
}

interface Counted {
  readonly key: string;
  readonly failures: number;
  /** How much longer nothing may be tried; not positive when it may. */
  readonly wait_ms: number;
}

/** However many rows are forgotten at once, an attempt takes only so many with it. */
const SWEEP = 100;

/**
 * Counts attempts in the database: for all replicas together, and over restarts.
 *
 * An attempt is counted as a failure *before* it is made and taken back when it succeeds: counted afterwards, a thousand at
 * once would all have begun before the first was seen to fail. The rows are locked in one order, so attempts that share
 * some of them wait for each other and none for ever.
 */
@Injectable()
export class Attempts {
  constructor(private readonly dataSource: DataSource) {}

  /** @throws DomainError `too_many_requests` as long as any of the subjects must wait; then nothing is counted */
  async begin(subjects: readonly AttemptSubject[]): Promise<void> {
    const limits = new Map(subjects.map((subject) => [keyOf(subject), ATTEMPT_LIMITS[subject.kind]]));
    const waitMs = await this.dataSource.transaction(async (manager) => {
      const counted = await manager.query<Counted[]>(
        `INSERT INTO attempt AS a (key, failures, next_at, forget_at)
         SELECT key, 0, clock_timestamp(), clock_timestamp() FROM unnest($1::text[]) AS key ORDER BY key
         ON CONFLICT (key) DO UPDATE SET failures = CASE WHEN a.forget_at < clock_timestamp() THEN 0 ELSE a.failures END
         RETURNING key, failures, greatest(0, extract(epoch FROM next_at - clock_timestamp()) * 1000)::float8 AS wait_ms`,
        [[...limits.keys()]],
      );
      const longest = Math.max(...counted.map(({ wait_ms }) => wait_ms));
      if (longest > 0) return longest;
      const failed = counted.map(({ key, failures }) => ({ key, failures: failures + 1, limit: limits.get(key)! }));
      await manager.query(
        `UPDATE attempt AS a
            SET failures = f.failures, next_at = clock_timestamp() + f.pause * interval '1 second', forget_at = clock_timestamp() + f.memory * interval '1 second'
           FROM unnest($1::text[], $2::int[], $3::int[], $4::int[]) AS f(key, failures, pause, memory)
          WHERE a.key = f.key`,
        [
          failed.map(({ key }) => key),
          failed.map(({ failures }) => failures),
          failed.map(({ failures, limit }) => pauseAfter(failures, limit)),
          failed.map(({ limit }) => limit.memorySeconds),
        ],
      );
      return 0;
    });
    await this.sweep();
    if (waitMs === 0) return;
    const retryAfter = Math.ceil(waitMs / 1000);
    throw new DomainError('too_many_requests', `Too many attempts have failed. Try again in ${retryAfter} s.`, { extra: { retryAfter } });
  }

  /** Everything is forgotten but what others may have done from the same address. */
  async succeeded(subjects: readonly AttemptSubject[]): Promise<void> {
    const [shared, own] = [subjects.filter(isShared), subjects.filter((subject) => !isShared(subject))];
    await this.dataSource.query('DELETE FROM attempt WHERE key = ANY($1)', [own.map(keyOf)]);
    await this.takeBack(shared);
  }

  /** It was not even made: what was counted is taken back. */
  async takeBack(subjects: readonly AttemptSubject[]): Promise<void> {
    await this.dataSource.query(`UPDATE attempt SET failures = greatest(0, failures - 1), next_at = clock_timestamp() WHERE key = ANY($1)`, [subjects.map(keyOf)]);
  }

  private async sweep(): Promise<void> {
    await this.dataSource.query(
      `DELETE FROM attempt WHERE key IN (SELECT key FROM attempt WHERE forget_at < clock_timestamp() ORDER BY forget_at LIMIT ${SWEEP} FOR UPDATE SKIP LOCKED)`,
    );
  }
}

function isShared({ kind }: AttemptSubject): boolean {
  return kind === 'address' || kind === 'link';
}

function keyOf({ kind, of }: AttemptSubject): string {
  return `${kind}:${createHash('sha256').update(of).digest('base64url')}`;
}
