import type { AppliedSnapshot, Candidate } from './applied-snapshot.js';
import { Applier, type Outcome } from './applier.js';
import { TrimtabError } from './errors.js';
import { Events } from './events.js';
import { Facts } from './facts.js';
import type { FollowerOptions, Link, Reader } from './follower-options.js';
import type { FeedMessage, Position, Report } from './protocol.js';
import { refusalOf } from './refusal.js';
import { Received } from './received.js';
import type { ResourceHandle, ResourceHooks } from './resource.js';
import type { ConfigSource, ConfigStatus, ConnectionState, Refusal } from './status.js';
import { Watchers } from './watchers.js';

type ContentMessage = Extract<FeedMessage, { type: 'snapshot' | 'delta' }>;

/**
 * Follows the feed: judges what it receives, has it applied, and tells the server, the disk and the listeners what
 * became of it. Knows nothing of sockets.
 */
export class Follower {
  readonly events: Events;
  readonly watchers: Watchers;
  readonly facts: Facts;
  readonly #options: FollowerOptions;
  readonly #applier: Applier;
  readonly #received = new Received();
  #link: Link | undefined;
  #reader: Reader | undefined;
  #state: ConnectionState = 'idle';
  #why = 'not connected yet';
  #known = 0;
  #appliedAt = new Date();
  #waiting: readonly string[] = [];
  #closing: Promise<void> | undefined;

  constructor(options: FollowerOptions) {
    this.#options = options;
    this.events = new Events(options.logger);
    this.watchers = new Watchers(options.logger);
    this.facts = new Facts((name, fact) => this.events.emit(name, fact));
    this.#applier = new Applier(options, (previous, next) => this.#reader?.swapped(previous, next));
  }

  /** Name of the main document. */
  get mainName(): string {
    return this.#options.mainName;
  }

  /** The snapshot in use. */
  get applied(): AppliedSnapshot {
    const { applied } = this.#applier;
    // Only code of this library ever holds a config that has not started.
    if (applied === undefined) throw new TrimtabError('not_started', 'Nothing has been applied yet.');
    return applied;
  }

  status(): ConfigStatus {
    const { revision, etag, source, layers } = this.applied;
    const { ready, synced, stale, refusal } = this.facts;
    const { disk, instanceId } = this.#options;
    return {
      state: this.#state,
      revision,
      etag,
      source,
      layers,
      appliedAt: this.#appliedAt,
      knownRevision: Math.max(this.#known, revision),
      ready,
      synced,
      stale,
      ...(refusal && { lastRefusal: refusal }),
      restartRequired: this.#waiting,
      ...(disk && { disk: disk.status }),
      instanceId,
    };
  }

  /** Gives the follower its way to the server. */
  attach(link: Link): void {
    this.#link = link;
  }

  /** Gives the follower its reader. */
  serve(reader: Reader): void {
    this.#reader = reader;
  }

  /** Content from the disk, not in use yet: with it the server need only say that it is current, or what changed. */
  hold(candidate: Candidate): void {
    this.#received.hold(candidate);
  }

  /** What the server is told when it is asked to bring this client up to date. */
  position(): Position | undefined {
    const held = this.#applier.applied ?? this.#received.head;
    // Revision 0 never came from a server.
    if (held === undefined || held.revision === 0) return undefined;
    return { revision: Math.max(this.#known, held.revision), etag: held.etag };
  }

  /** Applies a candidate of any source, in its turn, and says what became of it. */
  async offer(candidate: Candidate): Promise<Outcome> {
    const outcome = await this.#applier.offer(candidate);
    this.#settled(candidate, outcome);
    return outcome;
  }

  /** Adds a resource, prepared for the snapshot in use when its turn has come. */
  resource(path: string, hooks: ResourceHooks<unknown, unknown>): Promise<ResourceHandle<unknown>> {
    return this.#applier.resource(path, hooks, () => {
      if (this.#closing !== undefined) throw new TrimtabError('closed', 'The config is closed.');
      return this.applied;
    });
  }

  /** Takes a message of the feed. */
  receive(message: FeedMessage): void {
    if (message.type === 'snapshot' || message.type === 'delta') return this.#judge(message);
    if (message.type !== 'current' && message.type !== 'bookmark') return;
    this.#know(message.revision);
    if (message.type === 'current') this.#current();
  }

  /** Resolves when nothing is being applied. */
  settled(): Promise<void> {
    return this.#applier.settled();
  }

  /** Takes note of what the connection does. */
  connectionChanged(next: ConnectionState, reason: string): void {
    const previous = this.#state;
    if (previous === next) return;
    this.#state = next;
    this.#why = reason;
    if (previous === 'live' || next === 'waiting' || next === 'rejected') this.facts.lost(reason);
    this.events.emit('state', { previous, next, reason });
  }

  /** Ends everything; what is in use can still be read. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  #current(): void {
    const { applied } = this.#applier;
    const held = this.#received.head;
    if (applied === undefined) return held && this.#submit({ ...held, source: 'server' });
    // The refused revision has been taken back; the server learns that this client is where it should be.
    if (this.facts.refusal !== undefined) this.#report({ state: 'applied', revision: applied.revision, etag: applied.etag });
    this.#confirmed(applied.revision);
  }

  #judge(message: ContentMessage): void {
    const { logger } = this.#options;
    const { revision, etag } = message;
    const verdict = this.#received.judge(message, this.#applier.applied);
    if (verdict.kind !== 'invalid' && verdict.kind !== 'mismatch') this.#know(revision);
    switch (verdict.kind) {
      case 'candidate':
        return this.#submit(verdict.candidate);
      case 'known':
        this.#confirmed(revision, message.layers);
        return this.#report({ state: 'applied', revision, etag });
      case 'old':
        logger.warn(`Revision ${revision} is not newer than the one in use and was not applied.`);
        return this.facts.lost(`the server offers revision ${revision}, which is not newer than the one in use`);
      case 'mismatch':
        logger.warn(`A delta to revision ${revision} does not fit (${verdict.reason}); asking for the whole snapshot.`);
        return this.#link?.resubscribe(null);
      case 'invalid':
        return this.#refused(refusalOf(message, 'etag', verdict.reason), 'server');
    }
  }

  #submit(candidate: Candidate): void {
    const { refusal } = this.facts;
    // The same content would be refused for the same reason; a resource may have better luck the second time.
    if (refusal?.etag === candidate.etag && (refusal.stage === 'validate' || refusal.stage === 'unseal')) {
      return this.#report({ state: 'refused', revision: candidate.revision, etag: candidate.etag, reason: refusal.reason });
    }
    this.#applier.submit(candidate, (outcome) => this.#settled(candidate, outcome));
  }

  #settled(candidate: Candidate, outcome: Outcome): void {
    if (outcome.state === 'refused') return this.#refused(outcome.refusal, candidate.source);
    if (outcome.state === 'known' && candidate.source === 'server') return this.#confirmed(candidate.revision, candidate.layers);
    if (outcome.state !== 'applied') return;
    const { previous, next, waiting } = outcome;
    const { revision, etag, source } = next;
    this.#appliedAt = new Date();
    this.facts.applied(`revision ${revision} was applied`);
    if (source === 'server') {
      this.#confirmed(revision);
      this.#options.disk?.save(next);
    } else {
      this.facts.lost(`started from ${source}; the server has not confirmed it (${this.#why})`);
    }
    this.#tell(() => {
      if (previous !== undefined) this.watchers.notify(previous, next);
      this.#holdBack(waiting, revision);
      this.events.emit('applied', { revision, etag, source });
    });
    this.#options.logger.info(`Revision ${revision} is in use.`, { source, etag });
    if (source === 'server') this.#report({ state: 'applied', revision, etag });
  }

  #holdBack(waiting: readonly string[], revision: number): void {
    const before = this.#waiting;
    if (before.length === waiting.length && before.every((path, index) => path === waiting[index])) return;
    this.#waiting = Object.freeze([...waiting]);
    if (waiting.length > 0) this.#options.logger.warn(`Revision ${revision} changes ${waiting.join(', ')}, which takes a restart.`);
    this.events.emit('restartRequired', { revision, paths: this.#waiting });
  }

  #refused(refusal: Refusal, source: ConfigSource): void {
    const { revision, etag, stage, reason } = refusal;
    // A source to start from that will not do: who starts says so, and the server has nothing to do with it.
    if (source !== 'server') return;
    this.facts.refused(refusal);
    this.#options.logger.warn(`Revision ${revision} was refused (${stage}): ${reason}`);
    this.#tell(() => this.events.emit('refused', refusal));
    this.#report({ state: 'refused', revision, etag, reason });
  }

  #confirmed(revision: number, layers?: Candidate['layers']): void {
    this.#applier.confirm(revision, layers);
    this.facts.confirmed(`the server has confirmed revision ${revision}`);
  }

  #report(report: Report): void {
    this.#link?.report(report);
  }

  #tell(tell: () => void): void {
    if (this.#reader === undefined) tell();
    else this.#reader.outside(tell);
  }

  #know(revision: number): void {
    if (revision > this.#known) this.#known = revision;
  }

  async #close(): Promise<void> {
    await this.#link?.close();
    this.connectionChanged('closed', 'closed by the service');
    await this.#applier.close();
    await this.#options.disk?.flush();
    this.watchers.clear();
    this.events.clear();
  }
}
