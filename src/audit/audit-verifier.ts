import { Injectable, Logger } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { Turns } from '../kernel/turns';
import { BEGINNING, type Anchor } from './audit-line';
import { AuditLog } from './audit-log';
import { ChainCheck, cutAfter, rewrittenAt, type ChainFault } from './chain-check';
import { LINE_COLUMNS, lineOf, linkOf, type LineRow } from './line-row';

const PAGE = 250;
/** Ids are read by themselves, without what they belong to. */
const ID_PAGE = 10_000;

export interface VerifyRequest {
  /** A head that was answered, logged or exported earlier. */
  readonly anchor?: Anchor | undefined;
  /** Take what comes before the anchor as verified. */
  readonly sinceAnchor?: boolean;
}

export interface Verified {
  /** The end of the chain when the check began. */
  readonly head: Anchor;
  /** Records that were found right. */
  readonly records: number;
  readonly fault?: ChainFault;
}

/** Holds every record against the chain, page by page, and leaves the event loop to others in between. */
@Injectable()
export class AuditVerifier {
  private readonly logger = new Logger(AuditVerifier.name);

  constructor(
    private readonly dataSource: DataSource,
    private readonly log: AuditLog,
  ) {}

  async verify({ anchor, sinceAnchor = false }: VerifyRequest): Promise<Verified> {
    const head = await this.log.head();
    const known = sinceAnchor ? anchor : undefined;
    const moved = known && (await this.faultAt(known, head));
    const { records, fault } = moved ? { records: 0, fault: moved } : await this.follow(known ?? BEGINNING, head, anchor);
    const found = fault ?? (await this.unlinkable());
    if (found === undefined) return { head, records };
    this.logger.error(`The audit is not what was written: ${found.detail} See docs/audit.md.`);
    return { head, records, fault: found };
  }

  /** What is wrong with the chain if `anchor` was a position of it. Looks nowhere else. */
  async faultAt(anchor: Anchor, head: Anchor): Promise<ChainFault | undefined> {
    if (anchor.position > head.position) return cutAfter(head.position, anchor);
    return (await this.log.at(anchor.position))?.hash === anchor.hash ? undefined : rewrittenAt(anchor.position);
  }

  private async follow(after: Anchor, head: Anchor, anchor: Anchor | undefined): Promise<{ records: number; fault?: ChainFault | undefined }> {
    const check = new ChainCheck({ after, anchor });
    const turns = new Turns();
    let records = 0;
    for (let position = after.position; ; ) {
      const rows = await this.page(position, head);
      for (const row of rows) {
        const fault = faultOf(row, check);
        if (fault !== undefined) return { records, fault };
        records += 1;
        if (turns.isDue) await turns.next();
      }
      if (rows.length < PAGE) return { records, fault: check.end() };
      position = Number(rows.at(-1)!.position);
    }
  }

  private page(after: number, head: Anchor): Promise<VerifiedRow[]> {
    return this.dataSource.query<VerifiedRow[]>(
      `SELECT ${LINE_COLUMNS}, EXISTS (
                SELECT FROM audit_keys(r.actor, r.subject, r.changed) k(key)
                 WHERE NOT EXISTS (SELECT FROM audit_lookup l WHERE l.key = k.key AND l.at = r.at AND l.record_id = r.id)) AS hidden
         FROM audit_chain c LEFT JOIN audit_record r ON r.id = c.record_id LEFT JOIN audit_chain p ON p.position = c.position - 1
        WHERE c.position > $1 AND c.position <= $2 ORDER BY c.position LIMIT $3`,
      [after, head.position, PAGE],
    );
  }

  /** A record gets its link in the transaction that writes it: one without was written in another way. */
  private async unlinkable(): Promise<ChainFault | undefined> {
    for (let after = '0'; ; ) {
      const rows = await this.dataSource.query<{ id: string; linked: boolean }[]>(
        `SELECT r.id, c.record_id IS NOT NULL AS linked
           FROM (SELECT id FROM audit_record WHERE id > $1 ORDER BY id LIMIT $2) r LEFT JOIN audit_chain c ON c.record_id = r.id
          ORDER BY r.id`,
        [after, ID_PAGE],
      );
      const stranger = rows.find(({ linked }) => !linked);
      if (stranger !== undefined) return { reason: 'unlinkable', detail: `The record with the id ${stranger.id} is in no position of the chain: it was not written by Trimtab.` };
      if (rows.length < ID_PAGE) return undefined;
      after = rows.at(-1)!.id;
    }
  }
}

interface VerifiedRow extends Omit<LineRow, 'id'> {
  /** Null where the record is gone. */
  readonly id: string | null;
  readonly hidden: boolean;
}

function faultOf(row: VerifiedRow, check: ChainCheck): ChainFault | undefined {
  const { id, hidden } = row;
  const link = linkOf(row);
  const fault = check.add(link, id === null ? undefined : lineOf({ ...row, id }));
  if (fault !== undefined || !hidden) return fault;
  const { position } = link;
  return { reason: 'hidden', position, detail: `The record at position ${position} is whole, but not every filter finds it: rows of audit_lookup are gone.` };
}
