import { BEGINNING, hashOfLine, type Anchor, type AuditLine } from './audit-line';

/** How a chain can show that it is not what was written. */
export const CHAIN_FAULTS = ['missing', 'removed', 'altered', 'reordered', 'unlinked', 'cut', 'rewritten', 'unlinkable', 'hidden'] as const;

export interface ChainFault {
  readonly reason: (typeof CHAIN_FAULTS)[number];
  /** The first position that is wrong. Absent where a record has none. */
  readonly position?: number;
  /** A sentence for people. */
  readonly detail: string;
}

/** A position, what it follows from, and what it makes of that and its record. */
export type Link = Pick<AuditLine, 'position' | 'previous' | 'hash'>;

/** What may be taken as known of the lines to come. */
export interface ChainCheckOptions {
  /** They go on after it. Without it the first line is believed where it begins. */
  readonly after?: Anchor;
  /** Seen earlier, at a position among them. */
  readonly anchor?: Anchor | undefined;
  /** Some are left out, and they may be in another order: each is checked by itself, and against the one before if that is its neighbour. */
  readonly gaps?: boolean;
}

/** Follows a chain line by line, and keeps nothing but where it is. */
export class ChainCheck {
  private last: Anchor | undefined;

  constructor(private readonly options: ChainCheckOptions) {
    this.last = options.after;
  }

  /** The last line that was right. */
  get head(): Anchor | undefined {
    return this.last;
  }

  /** What is wrong with the next link, or with its record. Nothing can be said of those after one that is wrong. */
  add(link: Link, record: AuditLine | undefined): ChainFault | undefined {
    const fault = this.faultOf(link, record);
    if (fault === undefined) this.last = { position: link.position, hash: link.hash };
    return fault;
  }

  /** What is wrong with there being no more lines. */
  end(): ChainFault | undefined {
    const { anchor, gaps = false } = this.options;
    const { position } = this.last ?? BEGINNING;
    return anchor === undefined || gaps || anchor.position <= position ? undefined : cutAfter(position, anchor);
  }

  private faultOf({ position, previous, hash }: Link, record: AuditLine | undefined): ChainFault | undefined {
    const { anchor, gaps = false } = this.options;
    const before = this.last ?? (position === 1 ? BEGINNING : undefined);
    if (before !== undefined && position <= before.position && !gaps) {
      return { reason: 'reordered', position, detail: `Position ${position} comes after position ${before.position}.` };
    }
    if (before !== undefined && position > before.position + 1 && !gaps) {
      return { reason: 'missing', position: before.position + 1, detail: `After position ${before.position} comes position ${position}.` };
    }
    if (position - 1 === before?.position && previous !== before.hash) {
      return { reason: 'unlinked', position, detail: `Position ${position} does not follow from the one before: that was altered, or this.` };
    }
    if (record === undefined) return { reason: 'removed', position, detail: `The record at position ${position} is gone.` };
    if (hashOfLine(record) !== hash) return { reason: 'altered', position, detail: `The record at position ${position} is not the one that was linked there.` };
    return anchor?.position !== position || anchor.hash === hash ? undefined : rewrittenAt(position);
  }
}

/** The chain ends at `position`, before an anchor. */
export function cutAfter(position: number, anchor: Anchor): ChainFault {
  return { reason: 'cut', position: position + 1, detail: `The chain ends at position ${position}, and position ${anchor.position} was seen.` };
}

/** The chain is in order, and another one than that in which an anchor was seen. */
export function rewrittenAt(position: number): ChainFault {
  return { reason: 'rewritten', position, detail: `Another hash was seen at position ${position}: something up to there was replaced, and linked anew.` };
}
