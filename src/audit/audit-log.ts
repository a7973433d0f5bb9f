import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { countsSql, filterSql, termsOf, type AuditFilter, type FilterTerm } from './audit-filter';
import { BEGINNING, type Anchor, type AuditLine } from './audit-line';
import { ITS_LINK, LINE_COLUMNS, lineOf, type LineRow } from './line-row';

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
    const { source, conditions, order } = filterSql(await this.rarestFirst(filter), filter, values);
    if (before !== undefined) {
      const last = `$${values.push(before)}`;
      conditions.push(`(${order.join(', ')}) < ((SELECT at FROM audit_record WHERE id = ${last}), ${last})`);
    }
    const rows = await this.lines(source, conditions, order.map((column) => `${column} DESC`), values, limit);
    return rows.map((row) => ({ id: Number(row.id), ...lineOf(row) }));
  }

  /** All of it up to `head`, which must have been read before: what is committed later is not part of it. By position. */
  async *whole(head: Anchor): AsyncGenerator<readonly AuditLine[]> {
    for (let position = 0; ; ) {
      const source = 'audit_chain l CROSS JOIN LATERAL (SELECT * FROM audit_record WHERE id = l.record_id OFFSET 0) r';
      const rows = await this.lines(source, ['l.position > $1', 'l.position <= $2'], ['l.position'], [position, head.position], PAGE);
      if (rows.length > 0) yield rows.map(lineOf);
      if (rows.length < PAGE) return;
      position = Number(rows.at(-1)!.position);
    }
  }

  /** What is filtered up to `head`, oldest first: by moment, which for acts of the same moment may not be by position. */
  async *filtered(filter: AuditFilter, head: Anchor): AsyncGenerator<readonly AuditLine[]> {
    const terms = await this.rarestFirst(filter);
    for (let last: LineRow | undefined; ; ) {
      const values: unknown[] = [head.position];
      const { source, conditions, order } = filterSql(terms, filter, values);
      if (last !== undefined) conditions.push(`(${order.join(', ')}) > ($${values.push(last.at)}, $${values.push(last.id)})`);
      const rows = await this.lines(source, [...conditions, 'c.position <= $1'], order, values, PAGE);
      if (rows.length > 0) yield rows.map(lineOf);
      if (rows.length < PAGE) return;
      last = rows.at(-1);
    }
  }

  private lines(source: string, conditions: readonly string[], order: readonly string[], values: unknown[], limit: number): Promise<LineRow[]> {
    return this.dataSource.query<LineRow[]>(
      `SELECT ${LINE_COLUMNS} FROM ${source} ${ITS_LINK} WHERE ${conditions.join(' AND ') || 'true'} ORDER BY ${order.join(', ')} LIMIT $${values.push(limit)}`,
      values,
    );
  }

  private async rarestFirst(filter: AuditFilter): Promise<readonly FilterTerm[]> {
    const terms = termsOf(filter);
    if (terms.length < 2) return terms;
    const [found] = await this.dataSource.query<{ counts: readonly number[] }[]>(countsSql(terms), terms.map(({ value }) => value));
    const ranked = terms.map((term, index) => ({ term, count: found?.counts[index] ?? 0 }));
    return ranked.sort((a, b) => a.count - b.count).map(({ term }) => term);
  }

  private async anchorAt(clause: string, ...values: unknown[]): Promise<Anchor | undefined> {
    const [row] = await this.dataSource.query<{ position: string; hash: string }[]>(`SELECT position, encode(hash, 'hex') AS hash FROM audit_chain ${clause}`, values);
    return row && { position: Number(row.position), hash: row.hash };
  }
}
