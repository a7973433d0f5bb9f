import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { filterSql, type AuditFilter } from './audit-filter';
import { BEGINNING, type Anchor, type AuditLine } from './audit-line';
import { LINE_COLUMNS, lineOf, PREVIOUS_LINK, type LineRow } from './line-row';

/** Records that are read at once where all are read. */
const PAGE = 250;

/** A record with its place, and the id a cursor names it by. */
export interface ListedRecord extends AuditLine {
  readonly id: number;
}

/** Reads the audit. Records of which `audit_chain` does not know are not part of it. */
@Injectable()
export class AuditLog {
  constructor(private readonly dataSource: DataSource) {}

  /** The newest position; the beginning where there is nothing yet. */
  async head(): Promise<Anchor> {
    return (await this.anchorAt('ORDER BY position DESC LIMIT 1')) ?? BEGINNING;
  }

  /** The hash at a position. */
  async at(position: number): Promise<Anchor | undefined> {
    return position === 0 ? BEGINNING : this.anchorAt('WHERE position = $1', position);
  }

  /** Newest first, older than the record with the id `before`. */
  async list(filter: AuditFilter, before: number | undefined, limit: number): Promise<ListedRecord[]> {
    const values: unknown[] = [];
    const { joins, conditions, order } = filterSql(filter, values);
    const [at, id] = order;
    if (before !== undefined) {
      const last = `$${values.push(before)}`;
      conditions.push(`(${at}, ${id}) < ((SELECT at FROM audit_record WHERE id = ${last}), ${last})`);
    }
    const rows = await this.dataSource.query<LineRow[]>(
      `SELECT ${LINE_COLUMNS} FROM audit_record r ${joins} JOIN audit_chain c ON c.record_id = r.id ${PREVIOUS_LINK}
        WHERE ${conditions.join(' AND ') || 'true'} ORDER BY ${at} DESC, ${id} DESC LIMIT $${values.push(limit)}`,
      values,
    );
    return rows.map((row) => ({ id: Number(row.id), ...lineOf(row) }));
  }

  /** Oldest first, up to `head`, which must have been read before: what is committed later is not part of it. */
  async *pages(filter: AuditFilter, head: Anchor): AsyncGenerator<readonly AuditLine[]> {
    for (let position = 0; ; ) {
      const values: unknown[] = [position, head.position, PAGE];
      const { joins, conditions } = filterSql(filter, values);
      const rows = await this.dataSource.query<LineRow[]>(
        `SELECT ${LINE_COLUMNS} FROM audit_chain c JOIN audit_record r ON r.id = c.record_id ${joins} ${PREVIOUS_LINK}
          WHERE ${['c.position > $1', 'c.position <= $2', ...conditions].join(' AND ')} ORDER BY c.position LIMIT $3`,
        values,
      );
      if (rows.length > 0) yield rows.map(lineOf);
      if (rows.length < PAGE) return;
      position = Number(rows.at(-1)!.position);
    }
  }

  private async anchorAt(clause: string, ...values: unknown[]): Promise<Anchor | undefined> {
    const [row] = await this.dataSource.query<{ position: string; hash: string }[]>(`SELECT position, encode(hash, 'hex') AS hash FROM audit_chain ${clause}`, values);
    return row && { position: Number(row.position), hash: row.hash };
  }
}
