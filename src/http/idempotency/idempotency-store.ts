import { Inject, Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { CLOCK, type Clock } from '../../kernel/clock';
import { DomainError } from '../../kernel/domain-error';

/** How long an answer is kept. */
const KEPT_MS = 24 * 60 * 60 * 1000;
/** A request that has not been answered after this long died with its process: the next one with its key takes over. */
const ABANDONED_MS = 60 * 1000;
const SWEEP_INTERVAL_MS = 10 * 60 * 1000;

export interface RequestKey {
  readonly actorId: string;
  readonly key: string;
  /** Hash over everything that makes it this request and no other. */
  readonly fingerprint: Buffer;
}

export interface StoredAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: unknown;
}

/** What the first of several requests with one key gets to know. */
export interface Claim {
  /**
   * Stands for the key in what the use case writes. It outlives a retry, so that a use case can recognise what it did
   * before its process died; a key that is used again after it was forgotten has another.
   */
  readonly claimId: string;
}

interface Row {
  readonly claim_id: string;
  readonly fingerprint: Buffer;
  readonly status: number | null;
  readonly headers: Record<string, string> | null;
  /** JSON in a JSON string: jsonb itself cannot hold every string that JSON can. */
  readonly body: string | null;
  readonly created_at: Date;
}

/** The table of requests that carried an `Idempotency-Key`: one row per actor and key, finished or under way. */
@Injectable()
export class IdempotencyStore {
  private sweptAt = 0;

  constructor(
    private readonly dataSource: DataSource,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /** A claim: the caller holds the key and runs the request. Otherwise the answer it was given before. */
  async claim(request: RequestKey): Promise<Claim | StoredAnswer> {
    await this.sweep();
    const { actorId, key, fingerprint } = request;
    for (;;) {
      const now = this.clock.now();
      const [inserted] = await this.dataSource.query<{ claim_id: string }[]>(
        `INSERT INTO idempotency_key (actor_id, key, fingerprint, created_at) VALUES ($1, $2, $3, $4)
         ON CONFLICT (actor_id, key) DO NOTHING RETURNING claim_id`,
        [actorId, key, fingerprint, now],
      );
      if (inserted !== undefined) return { claimId: inserted.claim_id };
      const [row] = await this.dataSource.query<Row[]>('SELECT * FROM idempotency_key WHERE actor_id = $1 AND key = $2', [actorId, key]);
      // Swept in between.
      if (row === undefined) continue;
      if (isForgotten(row, now)) {
        await this.dataSource.query('DELETE FROM idempotency_key WHERE actor_id = $1 AND key = $2 AND created_at = $3', [actorId, key, row.created_at]);
        continue;
      }
      return (await this.takeOver(request, row, now)) ? { claimId: row.claim_id } : answerOf(request, row);
    }
  }

  async finish({ actorId, key }: RequestKey, { status, headers, body }: StoredAnswer): Promise<void> {
    await this.dataSource.query('UPDATE idempotency_key SET status = $3, headers = $4, body = $5 WHERE actor_id = $1 AND key = $2', [
      actorId,
      key,
      status,
      JSON.stringify(headers),
      body === undefined ? null : JSON.stringify(JSON.stringify(body)),
    ]);
  }

  /**
   * The request did not get as far as an answer worth keeping: it may be tried again at once. The claim stays, because
   * a failure that was reported may still have been committed (the connection broke after COMMIT was sent).
   */
  async release({ actorId, key }: RequestKey): Promise<void> {
    const abandoned = new Date(this.clock.now().getTime() - ABANDONED_MS);
    await this.dataSource.query('UPDATE idempotency_key SET created_at = $3 WHERE actor_id = $1 AND key = $2 AND status IS NULL', [actorId, key, abandoned]);
  }

  /** Takes over a request that is long gone. Of several that try at once, one succeeds. */
  private async takeOver({ actorId, key, fingerprint }: RequestKey, row: Row, now: Date): Promise<boolean> {
    const abandoned = row.status === null && now.getTime() - row.created_at.getTime() >= ABANDONED_MS;
    if (!abandoned || !row.fingerprint.equals(fingerprint)) return false;
    const [, taken] = await this.dataSource.query<[unknown, number]>(
      'UPDATE idempotency_key SET created_at = $3 WHERE actor_id = $1 AND key = $2 AND created_at = $4 AND status IS NULL',
      [actorId, key, now, row.created_at],
    );
    return taken === 1;
  }

  private async sweep(): Promise<void> {
    const now = this.clock.now().getTime();
    if (now - this.sweptAt < SWEEP_INTERVAL_MS) return;
    this.sweptAt = now;
    await this.dataSource.query('DELETE FROM idempotency_key WHERE created_at < $1', [new Date(now - KEPT_MS)]);
  }
}

function isForgotten({ created_at }: Row, now: Date): boolean {
  return now.getTime() - created_at.getTime() >= KEPT_MS;
}

function answerOf({ fingerprint, key }: RequestKey, { fingerprint: stored, status, headers, body }: Row): StoredAnswer {
  if (!stored.equals(fingerprint)) {
    throw new DomainError('idempotency_key_reused', `The Idempotency-Key '${key}' was sent with a different request before. Use a new key for a new request.`);
  }
  if (status === null) {
    throw new DomainError('idempotency_in_progress', 'The first request with this Idempotency-Key is still running. Ask again in a moment.', {
      extra: { retryAfter: 1 },
    });
  }
  return { status, headers: headers ?? {}, body: body === null ? undefined : (JSON.parse(body) as unknown) };
}
