import { BEGINNING, type AuditLine } from './audit-line';
import type { Link } from './chain-check';

/** A row of {@link LINE_COLUMNS}. */
export interface LineRow extends Omit<AuditLine, 'at' | 'position' | 'revision' | 'previous'> {
  readonly id: string;
  readonly position: string;
  readonly previous: string | null;
  readonly at: Date;
  readonly revision: string | null;
}

/** Of `c`, a link, `p`, the one before, and `r`, the record. */
export const LINE_COLUMNS = `c.position, encode(p.hash, 'hex') AS previous, encode(c.hash, 'hex') AS hash, r.id, r.at, r.actor, r.action, r.subject, r.changed,
  r.request_id AS "requestId", r.address, r.revision`;
/** Finds `c` and `p` of `r`, one by one: how many there will be is the business of whoever asks for `r`. */
export const ITS_LINK = `CROSS JOIN LATERAL (SELECT position, hash FROM audit_chain WHERE record_id = r.id OFFSET 0) c
  LEFT JOIN LATERAL (SELECT hash FROM audit_chain WHERE position = c.position - 1 OFFSET 0) p ON true`;

/** What is known of a line although its record is gone. */
export function linkOf({ position, previous, hash }: Pick<LineRow, 'position' | 'previous' | 'hash'>): Link {
  return { position: Number(position), previous: previous ?? BEGINNING.hash, hash };
}

export function lineOf(row: LineRow): AuditLine {
  const { at, actor, action, subject, changed, requestId, address, revision } = row;
  return { ...linkOf(row), at: at.toISOString(), actor, action, subject, changed, requestId, address, revision: revision === null ? null : Number(revision) };
}
