import { Injectable, Logger } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { recordAudit } from '../audit/record-audit';
import { ADVISORY_LOCKS } from '../database/advisory-locks';
import { lastingActor, type Actor } from '../kernel/actor';
import { DomainError } from '../kernel/domain-error';
import type { Revision } from '../kernel/revision';
import { announce } from '../notify/announce';
import { HeadIndex } from '../releases/head-index';
import { regressedLog } from '../releases/log-continuity';

export interface RecoveryRequest {
  readonly message: string;
  /** A revision that was handed out, as far as the caller knows. */
  readonly above: Revision | undefined;
}

export interface Recovered {
  /** From here on the log goes on. */
  readonly revision: Revision;
  /** Where the restored log ended. */
  readonly head: Revision;
  /** The highest revision known to have been handed out. */
  readonly seen: Revision;
}

/**
 * Accepts a log that was restored from an older backup: one revision above everything that was handed out, from which on
 * every snapshot counts as new (docs/adr/0012). Whoever had seen more goes forward to the restored content.
 */
@Injectable()
export class Recovery {
  private readonly logger = new Logger(Recovery.name);

  constructor(
    private readonly dataSource: DataSource,
    private readonly heads: HeadIndex,
  ) {}

  /** @throws DomainError `log_not_regressed`; `log_regressed` when the database holds another log altogether */
  async recover(actor: Actor, request: RecoveryRequest): Promise<Recovered> {
    const { regression } = this.heads;
    if (regression?.reason === 'other') throw regressedLog(regression);
    const recovered = await this.dataSource.transaction((manager) => this.append(manager, actor, request));
    this.logger.warn(`The log was recovered: it ended at revision ${recovered.head} and goes on at ${recovered.revision}.`);
    await this.heads.reach(recovered.revision);
    return recovered;
  }

  private async append(manager: EntityManager, actor: Actor, { message, above = 0 }: RecoveryRequest): Promise<Recovered> {
    await manager.query('SELECT pg_advisory_xact_lock($1, $2)', [...ADVISORY_LOCKS.log]);
    // A statement of its own, after the lock: it sees what was committed when it began.
    const [row] = await manager.query<{ head: string; seen: string; earlier: string | null }[]>(
      `SELECT coalesce(max(id), 0) AS head, (SELECT seen FROM log_identity) AS seen,
              (SELECT id FROM revision WHERE claim_id = $1) AS earlier
         FROM revision`,
      [actor.claimId ?? null],
    );
    const head = Number(row!.head);
    const seen = Math.max(Number(row!.seen), above, this.heads.position, this.heads.clientsAhead.highest);
    if (row!.earlier !== null) return { revision: Number(row!.earlier), head, seen };
    if (seen <= head && this.heads.regression === undefined) {
      throw new DomainError('log_not_regressed', `The log ends at revision ${head}, and nobody is known to have seen more. If somebody has, say so in "above".`, { extra: { head } });
    }
    const revision = Math.max(head, seen) + 1;
    await manager.query('INSERT INTO revision (id, kind, message, actor, claim_id) VALUES ($1, $2, $3, $4, $5)', [
      revision,
      'recovery',
      message,
      lastingActor(actor),
      actor.claimId ?? null,
    ]);
    await recordAudit(manager, { actor, action: 'log.recover', subject: { head, seen, message }, revision });
    await announce(manager, 'log');
    return { revision, head, seen };
  }
}
