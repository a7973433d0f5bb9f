import { Injectable, Logger } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { ADVISORY_LOCKS } from '../database/advisory-locks';
import { prepared } from '../database/prepared';
import { layerKey } from '../kernel/names';
import type { Revision } from '../kernel/revision';
import { announce } from '../notify/announce';
import { insertReleases, type NewRelease, type NewRevision } from './insert-releases';
import { HeadIndex, type LayerMove } from './head-index';
import { regressedLog } from './log-continuity';
import type { LayerHead } from './layer-release';
import { ReleaseReader } from './release-reader';

/** What is to become a revision: checked, complete, and aware of what it was checked against. */
export interface Proposal<Payload = unknown> extends NewRevision {
  /** When it was asked for, in milliseconds of this process's monotonic clock. */
  readonly askedAt: number;
  /** When it was checked and handed to the log. */
  readonly checkedAt: number;
  /** Log position at which it was checked. */
  readonly basis: Revision;
  /** Keys of all layers the check read. One of them moving after `basis` voids the check. */
  readonly reads: ReadonlySet<string>;
  /** The state of all environments that it was checked against; any other voids the check. */
  readonly environments: number;
  readonly releases: readonly NewRelease[];
  /**
   * Runs in the transaction, so that what belongs to the publish (the change, the audit record) is written with it.
   * Called once for all proposals of a commit that name the same function, because the lock is held meanwhile.
   */
  record(manager: EntityManager, published: readonly Published<Payload>[]): Promise<void>;
  /** What `record` needs to know. */
  readonly payload: Payload;
}

/** A proposal that is being committed, with the revision it becomes. */
export interface Published<Payload = unknown> {
  readonly proposal: Proposal<Payload>;
  readonly revision: Revision;
}

export interface Appended {
  readonly revision: Revision;
  readonly heads: readonly LayerHead[];
}

/** What was committed together, and when, in milliseconds of this process's monotonic clock. */
export interface Commit {
  readonly published: readonly Published[];
  readonly beganAt: number;
  /** The log's lock was taken. */
  readonly lockedAt: number;
  readonly committedAt: number;
}

/** What a release after the basis tells a proposal that was checked before it. */
interface Moved {
  readonly key: string;
  readonly revision: Revision;
  readonly includesChanged: boolean;
}

interface Waiting {
  readonly proposal: Proposal;
  readonly resolve: (appended: Appended | 'moved') => void;
  readonly reject: (reason: unknown) => void;
}

/** A proposal that is made when its turn has come. */
interface Alone extends Omit<Waiting, 'proposal' | 'resolve'> {
  readonly propose: () => Promise<Proposal | undefined>;
  readonly resolve: (appended: Appended | 'moved' | undefined) => void;
}

/** More would only make the transaction, and everybody's wait, longer. */
const GROUP_SIZE = 64;

/**
 * The one writer of the log. Revisions are numbered under an advisory lock that is held until commit, so the order of
 * ids is the order of commits (docs/adr/0001). Proposals that wait while a commit is under way are committed together:
 * the lock and the disk are paid once for the group, and each proposal is still a revision of its own.
 *
 * Order matters inside the transaction: lock first, then, as a statement of its own (a statement sees what was
 * committed when it began), read what moved since the oldest basis, then write.
 */
@Injectable()
export class ReleaseLog {
  private readonly logger = new Logger(ReleaseLog.name);
  private readonly queue: (Waiting | Alone)[] = [];
  private readonly listeners = new Set<(commit: Commit) => void>();
  private draining = false;

  constructor(
    private readonly dataSource: DataSource,
    private readonly heads: HeadIndex,
    private readonly reader: ReleaseReader,
  ) {}

  /**
   * Appends a proposal as the next revision. Answers `moved`, having written nothing, when a layer it read has moved
   * since its basis, or when someone's includes or the environments have changed: check again and try again.
   */
  append<Payload>(proposal: Proposal<Payload>): Promise<Appended | 'moved'> {
    return new Promise((resolve, reject) => this.enqueue({ proposal, resolve, reject }));
  }

  /**
   * The same for a proposal that is made only when its turn has come and is committed by itself: until then this process
   * commits nothing else, so only another replica can void it. It has to be made in little time. Proposing nothing
   * answers `undefined`.
   */
  appendAlone<Payload>(propose: () => Promise<Proposal<Payload> | undefined>): Promise<Appended | 'moved' | undefined> {
    return new Promise((resolve, reject) => this.enqueue({ propose, resolve, reject }));
  }

  /** Tells what this process has committed, before anyone here sees it applied. Returns how to stop it. */
  onCommit(listener: (commit: Commit) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  private enqueue(waiting: Waiting | Alone): void {
    this.queue.push(waiting);
    if (!this.draining) void this.drain();
  }

  private async drain(): Promise<void> {
    this.draining = true;
    try {
      while (this.queue.length > 0) {
        const group: Waiting[] = [];
        let alone: Alone | undefined;
        while (!alone && group.length < GROUP_SIZE && this.queue.length > 0) {
          const next = this.queue.shift()!;
          if ('propose' in next) alone = next;
          else group.push(next);
        }
        if (group.length > 0) await this.commit(group);
        if (alone) await this.commitAlone(alone);
      }
    } finally {
      this.draining = false;
    }
  }

  private async commitAlone({ propose, resolve, reject }: Alone): Promise<void> {
    try {
      const proposal = await propose();
      if (proposal) await this.commit([{ proposal, resolve, reject }]);
      else resolve(undefined);
    } catch (error) {
      reject(error);
    }
  }

  private async commit(group: readonly Waiting[]): Promise<void> {
    let outcomes: (Appended | 'moved')[];
    try {
      outcomes = await this.commitTogether(group.map(({ proposal }) => proposal));
    } catch (error) {
      if (group.length === 1) return group[0]!.reject(error);
      // One proposal's failure (say, an Idempotency-Key used on another replica) must not fail its neighbours.
      for (const waiting of group) await this.commit([waiting]);
      return;
    }
    group.forEach(({ resolve }, index) => resolve(outcomes[index]!));
  }

  private async commitTogether(proposals: readonly Proposal[]): Promise<(Appended | 'moved')[]> {
    const basis = Math.min(...proposals.map((proposal) => proposal.basis));
    const beganAt = performance.now();
    let lockedAt = beganAt;
    const { head, outcomes, accepted } = await this.dataSource.transaction(async (manager) => {
      await prepared(manager, 'lock the log', 'SELECT pg_advisory_xact_lock($1, $2)', ADVISORY_LOCKS.log);
      lockedAt = performance.now();
      const { head, moved, seen, environments } = await movedSince(manager, basis);
      // Numbers that clients have seen are never given to anything else.
      const handedOut = Math.max(seen, this.heads.position);
      if (head < handedOut) throw regressedLog({ reason: 'shorter', head, seen: handedOut });
      const outcomes: (Appended | 'moved')[] = [];
      const accepted: Published[] = [];
      for (const proposal of proposals) {
        if (proposal.environments !== environments || isVoid(proposal, moved)) {
          outcomes.push('moved');
          continue;
        }
        const revision = head + accepted.length + 1;
        accepted.push({ proposal, revision });
        outcomes.push({ revision, heads: [] });
        for (const release of proposal.releases) {
          moved.push({ key: layerKey(release.layer), revision, includesChanged: release.includesChanged });
        }
      }
      if (accepted.length > 0) {
        const heads = await insertReleases(manager, accepted);
        for (const { proposal, revision } of accepted) {
          outcomes[proposals.indexOf(proposal)] = { revision, heads: heads.filter((to) => to.revision === revision) };
        }
        const recorders = new Map(accepted.map(({ proposal }) => [proposal.record, proposal]));
        for (const [record, first] of recorders) {
          await first.record(manager, accepted.filter(({ proposal }) => proposal.record === record));
        }
        await announce(manager, 'log');
      }
      return { head, outcomes, accepted };
    });
    const commit = { published: accepted, beganAt, lockedAt, committedAt: performance.now() };
    if (accepted.length > 0) for (const listener of this.listeners) listener(commit);
    await this.tell(head, accepted, outcomes);
    return outcomes;
  }

  /** Lets this process see its own publish at once; the others learn of it from the notification. */
  private async tell(
    head: Revision,
    accepted: readonly Published[],
    outcomes: readonly (Appended | 'moved')[],
  ): Promise<void> {
    const committed = new Map(
      outcomes.filter((outcome) => outcome !== 'moved').map(({ revision, heads }) => [revision, heads]),
    );
    const moves: LayerMove[] = [];
    for (const { proposal, revision } of accepted) {
      for (const to of committed.get(revision)!) {
        const release = proposal.releases.find(({ layer }) => layerKey(layer) === layerKey(to.layer))!;
        this.reader.remember(to.id, { layer: to.layer, version: to.version, revision, entries: release.entries });
        moves.push({ ...to, includes: release.includes });
      }
    }
    try {
      if (moves.length === 0) await this.heads.reach(head);
      else await this.heads.advance(head, moves, head + accepted.length);
    } catch (error) {
      // It is committed, and must be answered so; this process catches up when the database answers again.
      this.logger.warn(`Revision ${head + accepted.length} is published but cannot be read back yet: ${String(error)}`);
    }
  }
}

function isVoid(proposal: Proposal, moved: readonly Moved[]): boolean {
  return moved.some(
    ({ key, revision, includesChanged }) =>
      revision > proposal.basis && (includesChanged || proposal.reads.has(key)),
  );
}

async function movedSince(manager: EntityManager, basis: Revision): Promise<{ head: Revision; seen: Revision; environments: number; moved: Moved[] }> {
  const rows = await prepared<{ head: string; seen: string; environments: string; service: string | null; environment: string; revision: string; includes_changed: boolean }>(
    manager,
    'moved since',
    `SELECT h.id AS head, (SELECT seen FROM log_identity) AS seen,
            (SELECT value FROM topic_counter WHERE topic = 'environments') AS environments, s.name AS service, e.name AS environment, r.revision, r.includes_changed
       FROM (SELECT coalesce(max(id), 0) AS id FROM revision) h
       LEFT JOIN release r ON r.revision > $1
       LEFT JOIN layer l ON l.id = r.layer_id
       LEFT JOIN service s ON s.id = l.service_id
       LEFT JOIN environment e ON e.id = l.environment_id`,
    [basis],
  );
  return {
    head: Number(rows[0]!.head),
    seen: Number(rows[0]!.seen),
    environments: Number(rows[0]!.environments),
    moved: rows.flatMap(({ service, environment, revision, includes_changed }) =>
      service === null
        ? []
        : [{ key: layerKey({ service, environment }), revision: Number(revision), includesChanged: includes_changed }],
    ),
  };
}
