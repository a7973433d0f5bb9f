import { Injectable, Logger, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { DiskCopy } from '../copy/disk-copy';
import { DomainError } from '../kernel/domain-error';
import { layerKey, type LayerName } from '../kernel/names';
import type { Revision } from '../kernel/revision';
import type { Heads } from '../notify/heads';
import { LogListener } from '../notify/log-listener';
import { DeclaredIncludes } from './declared-includes';
import { readHeads, type ReadHeads } from './heads-query';
import type { Include } from './layer-entry';
import type { LayerHead } from './layer-release';
import { judge, regressedLog, type KnownLog, type Recovery, type Regression } from './log-continuity';

/** A layer that a revision gave a new head. `includes` is what it declares now. Version 0: it is gone with the end of the log. */
export interface LayerMove extends LayerHead {
  readonly includes: readonly Include[] | undefined;
}

export type MoveListener = (moves: readonly LayerMove[], position: Revision) => void;

/** Claims beyond this say more about the client than about the log. */
const PLAUSIBLE_LEAD = 1_000_000;

/**
 * Every layer's head and declared includes, in memory, as of one position in the log. It follows the log: a
 * notification, a local publish or a reader that knows of a later revision makes it ask for what came after its
 * position, and the answers are applied in order, so it never goes back and never shows half a revision.
 *
 * States: `unread` (the database has not answered since the start; the position is that of the disk copy) → `following`
 * ⇄ `regressed` (the log is not the one whose revisions were handed out, see docs/adr/0012: nothing of it is applied, and
 * the position stays, until a recovery has gone above it); `unread` → `regressed`.
 */
@Injectable()
export class HeadIndex implements OnModuleInit, OnModuleDestroy {
  private readonly logger = new Logger(HeadIndex.name);
  private heads = new Map<string, LayerHead>();
  private declared = new DeclaredIncludes();
  private readonly listeners = new Set<MoveListener>();
  private state: 'unread' | 'following' | 'regressed' = 'unread';
  private reading: Promise<void> = Promise.resolve();
  private queued: Promise<void> | undefined;
  private known: KnownLog | undefined;
  private recoveries: readonly Recovery[] = [];
  private found: Regression | undefined;
  /** What of the log is applied here; the position may be further, from the copy or from before a restore. */
  private applied: Revision = 0;
  private heard: string | undefined;
  private highestClaim: Revision = 0;
  private claims = 0;
  private unsubscribe: () => void = () => undefined;

  constructor(
    private readonly dataSource: DataSource,
    private readonly log: LogListener,
    private readonly copy: DiskCopy,
  ) {}

  async onModuleInit(): Promise<void> {
    const copied = this.copy.state;
    if (copied !== undefined) this.known = { identity: copied.log, position: copied.position, mark: copied.mark };
    try {
      await this.read({ starting: true });
    } catch (error) {
      if (copied === undefined) throw error;
    }
    this.unsubscribe = this.log.subscribe((heads) => this.follow(heads));
  }

  onModuleDestroy(): void {
    this.unsubscribe();
  }

  /** The log revision up to which everything is known here. It never goes back. */
  get position(): Revision {
    return this.known?.position ?? 0;
  }

  /** The log that is followed; undefined while it cannot be. */
  get following(): KnownLog | undefined {
    return this.state === 'following' ? this.known : undefined;
  }

  /** Set while the log is not the one whose revisions were handed out. */
  get regression(): Regression | undefined {
    return this.found;
  }

  /** Clients that have shown a position which the log has not reached: how often, and the highest. */
  get clientsAhead(): { readonly count: number; readonly highest: Revision } {
    return { count: this.claims, highest: this.highestClaim };
  }

  /** @throws DomainError `log_regressed`, or `unavailable` as long as the log has not been read at all */
  requireLog(): void {
    if (this.found !== undefined) throw regressedLog(this.found);
    if (this.state === 'unread') throw new DomainError('unavailable', 'The database has not answered since this process started. Try again in a moment.');
  }

  /** @throws DomainError as {@link requireLog} */
  head(layer: LayerName): LayerHead | undefined {
    this.requireLog();
    return this.heads.get(layerKey(layer));
  }

  /** The revision that made the head of the layer with this key; 0 without one. A recovery moves every layer. */
  revisionOf(key: string): Revision {
    return Math.max(this.heads.get(key)?.revision ?? 0, this.recoveries.at(-1)?.at ?? 0);
  }

  /** The newest recovery up to a revision; 0 without one. Nothing that is read as of a later revision is older. */
  recoveredBy(revision: Revision): Revision {
    return this.recoveries.findLast(({ at }) => at <= revision)?.at ?? 0;
  }

  includes(layer: LayerName): readonly Include[] | undefined {
    this.requireLog();
    return this.declared.of(layerKey(layer));
  }

  /** The service itself and every service that includes it, directly or through others, in any environment. */
  dependentServices(services: Iterable<string>): Set<string> {
    const found = new Set(services);
    for (const service of found) {
      for (const key of this.declared.includersOf(service)) found.add(this.heads.get(key)!.layer.service);
    }
    return found;
  }

  /** Resolves once everything up to `revision` is applied here; a revision that does not exist yet ends the wait too. */
  async reach(revision: Revision): Promise<void> {
    if (revision > this.position) await this.refresh();
  }

  /** Like {@link reach}, for a caller to whom the revision must exist. @throws DomainError `revision_not_found` */
  async require(revision: Revision): Promise<void> {
    await this.reach(revision);
    if (revision > this.position) {
      throw new DomainError('revision_not_found', `There is no revision ${revision} yet; the newest is ${this.position}.`);
    }
    const gap = this.recoveries.find(({ at, after }) => after < revision && revision < at);
    if (gap === undefined) return;
    throw new DomainError('revision_not_found', `Revision ${revision} was lost when the log was restored to revision ${gap.after}; it goes on with ${gap.at}.`);
  }

  /** Tells of every move, after it is applied, in the order of the log. */
  onMove(listener: MoveListener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /**
   * Applies what this very process has just committed, without asking the database. `after` is the position the moves
   * follow on; when this index stands elsewhere, the moves are read from the log instead.
   */
  async advance(after: Revision, moves: readonly LayerMove[], position: Revision): Promise<void> {
    if (this.state === 'following' && this.applied === after) this.apply(moves, position);
    else await this.reach(position);
  }

  /**
   * A client has shown a position that the log, read just now, has not reached: the log may have lost its end. Only
   * counted, for a person to judge: a key that opens reading must not be able to stop publishing.
   */
  shown(revision: Revision): void {
    if (this.state === 'unread' || this.found?.reason === 'other') return;
    if (revision <= this.position || revision > this.position + PLAUSIBLE_LEAD) return;
    if (this.claims === 0) {
      this.logger.warn(`A client has seen revision ${revision}, and the log ends at ${this.position}. If the database was restored, see "After a restore" in docs/operations.md before anything is published.`);
    }
    this.claims += 1;
    this.highestClaim = Math.max(this.highestClaim, revision);
  }

  /** What this installation itself has handed out elsewhere: the log, read just now, should have it. */
  async claimed(revision: Revision): Promise<void> {
    if (this.state === 'unread' || this.found?.reason === 'other' || revision <= this.position) return;
    await this.share(revision);
    await this.refresh();
  }

  private async follow({ revision, mark }: Heads): Promise<void> {
    if (this.state === 'following' && revision === this.applied && mark === this.heard) return;
    await this.refresh();
    // What was read did not count, because this process published meanwhile: the mark of that is still to be read.
    if ((this.known?.mark?.revision ?? 0) < revision) await this.refresh();
    this.heard = mark;
  }

  /** Reads once more, after whatever read is under way; all who ask meanwhile share it. */
  private refresh(): Promise<void> {
    this.queued ??= this.reading
      .catch(() => undefined)
      .then(() => {
        this.queued = undefined;
        this.reading = this.read();
        return this.reading;
      });
    return this.queued;
  }

  private async read({ starting = false } = {}): Promise<void> {
    const { applied } = this;
    const answer = await readHeads(this.dataSource, applied, this.known?.mark?.revision ?? 0);
    // Meanwhile this process has published, and knows all that the answer knows and more.
    if (this.applied > applied && this.applied >= answer.facts.head) return;
    const finding = judge(this.known, answer.facts);
    if (typeof finding === 'object') {
      // Nobody has been served from the copy yet: it is simply not a copy of this log.
      if (starting && finding.reason === 'other') return this.startAnew();
      return this.regress(finding);
    }
    const last = answer.facts.recoveries.at(-1)?.at ?? 0;
    const isWhole = this.applied === 0;
    // What is known may be of the history that was lost: begin with nothing, and tell of everything.
    if (!isWhole && (finding === 'recovered' || last > this.applied)) {
      this.applied = 0;
      return this.read();
    }
    this.accept(answer, isWhole);
  }

  private accept({ facts, moves, mark }: ReadHeads, isWhole: boolean): void {
    if (this.found !== undefined) this.logger.log(`The log has been recovered and goes on at revision ${facts.head}.`);
    // The mark is worth telling as well: it belongs into the disk copy.
    const isNews = isWhole || moves.length > 0 || facts.head !== this.applied || mark?.revision !== this.known?.mark?.revision;
    this.found = undefined;
    this.state = 'following';
    this.recoveries = facts.recoveries;
    this.known = { identity: facts.identity, position: this.position, mark };
    if (isNews) this.apply(isWhole ? [...this.vanished(moves), ...moves] : moves, facts.head);
  }

  private startAnew(): Promise<void> {
    this.logger.warn('The disk copy is of another log than the database has, and is not used.');
    this.copy.disown();
    this.known = undefined;
    return this.read();
  }

  private regress(regression: Regression): void {
    const isNews = this.found?.seen !== regression.seen || this.found.head !== regression.head;
    this.state = 'regressed';
    this.found = regression;
    if (isNews) this.logger.error(regressedLog(regression).message);
    // What was handed out of one log says nothing about the numbers of another.
    if (regression.reason !== 'other') this.share(regression.seen).catch(() => undefined);
  }

  /** Lets every process know of a revision that was handed out, so that none gives its number to another. */
  private async share(revision: Revision): Promise<void> {
    await this.dataSource.query('UPDATE log_identity SET seen = $1 WHERE seen < $1', [revision]);
  }

  /** Layers that were known and are not in the whole log that was just read. */
  private vanished(moves: readonly LayerMove[]): LayerMove[] {
    const present = new Set(moves.map(({ layer }) => layerKey(layer)));
    const gone = [...this.heads].filter(([key]) => !present.has(key)).map(([, head]) => ({ ...head, version: 0, includes: undefined }));
    this.heads = new Map();
    this.declared = new DeclaredIncludes();
    return gone;
  }

  private apply(moves: readonly LayerMove[], position: Revision): void {
    for (const { includes, ...head } of moves) {
      if (head.version === 0) continue;
      const key = layerKey(head.layer);
      this.heads.set(key, head);
      this.declared.set(key, includes);
    }
    this.applied = position;
    this.known = { ...this.known!, position: Math.max(this.position, position) };
    for (const listener of this.listeners) listener(moves, this.position);
  }
}
