import { Injectable } from '@nestjs/common';
import { Readable } from 'node:stream';
import { DataSource } from 'typeorm';
import type { Actor } from '../kernel/actor';
import { Turns } from '../kernel/turns';
import type { AuditFilter } from './audit-filter';
import type { Anchor } from './audit-line';
import { AuditLog } from './audit-log';
import { jsonText } from './json-text';
import { recordAct } from './record-audit';

/** Text that is handed to the connection at once. */
const CHUNK_CHARACTERS = 64 * 1_024;

/** Writes the audit as JSON Lines, as slowly as they are taken: a page at a time is read, and nothing is held open meanwhile. */
@Injectable()
export class AuditExport {
  constructor(
    private readonly dataSource: DataSource,
    private readonly log: AuditLog,
  ) {}

  /** Takes out what there is now, the record of this export included. */
  async begin(filter: AuditFilter, actor: Actor): Promise<Readable> {
    await recordAct(this.dataSource, { actor, action: 'audit.export', subject: { filter } });
    return Readable.from(this.chunks(filter, await this.log.head()), { objectMode: false, highWaterMark: CHUNK_CHARACTERS });
  }

  private async *chunks(filter: AuditFilter, head: Anchor): AsyncGenerator<Buffer> {
    const turns = new Turns();
    let text = '';
    for await (const lines of isEmpty(filter) ? this.log.whole(head) : this.log.filtered(filter, head)) {
      for (const line of lines) {
        text += `${jsonText(line)}\n`;
        if (text.length < CHUNK_CHARACTERS) continue;
        yield Buffer.from(text);
        text = '';
        if (turns.isDue) await turns.next();
      }
    }
    if (text !== '') yield Buffer.from(text);
  }
}

function isEmpty(filter: AuditFilter): boolean {
  return Object.values(filter).every((value) => value === undefined);
}
