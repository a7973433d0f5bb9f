import { createHash } from 'node:crypto';
import type { LastingActor } from '../kernel/actor';
import type { Revision } from '../kernel/revision';
import { jsonText } from './json-text';

/** A place in the chain, and the hash that stands for everything up to it. */
export interface Anchor {
  readonly position: number;
  /** 64 hexadecimal digits. */
  readonly hash: string;
}

/** Where every chain begins: before its first record. */
export const BEGINNING: Anchor = { position: 0, hash: '0'.repeat(64) };

/** A record as it is exported: a line of its own, with its place in the chain. */
export interface AuditLine extends Anchor {
  /** The hash of the position before; of the first, 64 zeros. */
  readonly previous: string;
  readonly at: string;
  readonly actor: LastingActor;
  readonly action: string;
  readonly subject: Readonly<Record<string, unknown>>;
  readonly changed: Readonly<Record<string, unknown>>;
  readonly requestId: string | null;
  readonly address: string | null;
  readonly revision: Revision | null;
}

/** What `hash` must be: SHA-256 over the line without it. The migration has Postgres compute the same. */
export function hashOfLine({ hash: _, ...line }: AuditLine): string {
  return createHash('sha256').update(jsonText(line)).digest('hex');
}
