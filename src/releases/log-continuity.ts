import { DomainError } from '../kernel/domain-error';
import type { Revision } from '../kernel/revision';

/** Tells a revision from another that has the same number in another history of the log. */
export interface Mark {
  readonly revision: Revision;
  readonly text: string;
}

/** A revision that went on above everything handed out before the log had lost its end. */
export interface Recovery {
  readonly at: Revision;
  /** The newest revision that was left then; those between the two are lost. */
  readonly after: Revision;
}

/** What a process knows of the log it has followed. */
export interface KnownLog {
  readonly identity: string;
  /** It has told clients of everything up to here. */
  readonly position: Revision;
  readonly mark: Mark | undefined;
}

/** What the database says of its log. */
export interface LogFacts {
  readonly identity: string;
  readonly head: Revision;
  /** The highest revision of which any process knows that it was handed out, if the log had lost it then. */
  readonly seen: Revision;
  /** The text of the known mark's revision as it is now; null when there is no such revision. */
  readonly markText: string | null;
  /** Oldest first. */
  readonly recoveries: readonly Recovery[];
}

/** The log is not the one whose revisions were handed out. */
export interface Regression {
  /** `shorter`: it ends before what was handed out. `rewritten`: a number stands for another revision. `other`: another log. */
  readonly reason: 'shorter' | 'rewritten' | 'other';
  readonly head: Revision;
  /** The highest revision known to have been handed out. */
  readonly seen: Revision;
}

/**
 * Whether the log goes on where a process stands. A log that was restored from an older backup does not, until a recovery
 * has numbered on above everything that was handed out: from there it is followed, but nothing known before holds.
 */
export function judge(known: KnownLog | undefined, facts: LogFacts): 'follows' | 'recovered' | Regression {
  const seen = Math.max(known?.position ?? 0, facts.seen);
  if (facts.head < facts.seen) return { reason: 'shorter', head: facts.head, seen };
  const reason = known && breakIn(known, facts);
  if (reason === undefined) return 'follows';
  const isHealed = reason !== 'other' && facts.recoveries.some(({ at }) => at > seen);
  return isHealed ? 'recovered' : { reason, head: facts.head, seen };
}

function breakIn({ identity, position, mark }: KnownLog, facts: LogFacts): Regression['reason'] | undefined {
  if (facts.identity !== identity) return 'other';
  if (facts.head < position) return 'shorter';
  return mark !== undefined && facts.markText !== mark.text ? 'rewritten' : undefined;
}

/** What is wrong, and what to do about it. */
export function regressedLog({ reason, head, seen }: Regression): DomainError {
  const what = {
    shorter: `The log ends at revision ${head}, and revision ${seen} has been handed out: the database was restored from an older backup.`,
    rewritten: `The log has another history than the one whose revisions up to ${seen} were handed out: the database was restored from an older backup and has gone on since.`,
    other: `The database holds another log than the one whose revisions up to ${seen} this process has handed out.`,
  }[reason];
  const remedy =
    reason === 'other'
      ? 'Correct DATABASE_URL, or restart the process to follow this one.'
      : 'Nothing is published until an administrator restores a newer backup, or accepts this one with POST /api/v1/recoveries.';
  return new DomainError('log_regressed', `${what} ${remedy}`, { extra: { head, seen } });
}
