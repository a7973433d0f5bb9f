import type { AppliedSnapshot, Candidate } from './applied-snapshot.js';
import { Applier, type ApplierOptions, type Outcome } from './applier.js';
import type { Config, LiveValue } from './config.js';
import { TrimtabError } from './errors.js';
import { Events, type ConfigEvents } from './events.js';
import { Facts } from './facts.js';
import { Pins } from './pins.js';
import type { FeedMessage, Position, Report } from './protocol.js';
import { readPath } from './read-path.js';
import { Received } from './received.js';
import type { ResourceHandle, ResourceHooks } from './resource.js';
import type { ConfigSource, ConfigStatus, ConnectionState, DiskStatus, Refusal } from './status.js';
import { Watchers, type ChangeEvent } from './watchers.js';

/** What the client asks of the way to its server. */
export interface Link {
  /** Tells the server what became of a revision. */
  report(report: Report): void;
  /** Asks to be brought up to date; null asks for the whole snapshot. */
  resubscribe(since: Position | null): void;
  close(): Promise<void>;
}

/** What the client asks of the copy on disk. */
export interface SnapshotSink {
  readonly status: DiskStatus;
  save(snapshot: AppliedSnapshot): void;
  flush(): Promise<void>;
}

export interface ConfigClientOptions extends ApplierOptions {
  readonly instanceId: string;
  readonly disk?: SnapshotSink;
}

/**
 * A {@link Config} over any link: it judges what it receives, has it applied, and tells the server and the listeners
 * what became of it.
 */
export class ConfigClient<T> implements Config<T> {
  // The main document and its values by path, straight from the snapshot in use: the two fields that make reading
  // fast. Unset while somebody may be pinned to another snapshot; then reading takes the long way.
  #main: unknown;
  #paths: Map<string, unknown> | undefined;

  readonly #options: ConfigClientOptions;
  readonly #applier: Applier;
  readonly #received = new Received();
  readonly #facts: Facts;
  readonly #events: Events;
  readonly #watchers: Watchers;
  readonly #pins = new Pins(() => this.#show());
  #link: Link | undefined;
  #state: ConnectionState = 'idle';
  #known = 0;
  #appliedAt = new Date();
  #waiting: readonly string[] = [];
  #closing: Promise<void> | undefined;

  constructor(options: ConfigClientOptions) {
    this.#options = options;
    this.#events = new Events(options.logger);
    this.#watchers = new Watchers(options.logger);
    this.#facts = new Facts((name, fact) => this.#events.emit(name, fact));
    this.#applier = new Applier(options, (previous) => {
      if (previous !== undefined) this.#pins.retire(previous);
      this.#show();
    });
  }

  get(path: string | readonly string[]): never {
    const found = this.#paths?.get(path as string);
    return (found !== undefined ? found : this.#read(path)) as never;
  }

  snapshot(document?: string): never {
    const main = this.#main;
    if (main !== undefined && document === undefined) return main as never;
    return this.#seen().document(document ?? this.#options.mainName) as never;
  }

  value(path: string): LiveValue<never> {
    const read = () => this.get(path);
    return {
      get current() {
        return read();
      },
      watch: (listener) => this.watch(path, listener),
    };
  }

  watch(path: string, listener: (event: ChangeEvent<never>) => unknown): () => void {
    return this.#watchers.add(this.#options.mainName, path, listener as (event: ChangeEvent) => unknown);
  }

  watchDocument(document: string, listener: (event: ChangeEvent) => unknown): () => void {
    return this.#watchers.add(document, [], listener);
  }

  runPinned<R>(fn: () => R): R {
    return this.#pins.run(this.#inUse(), fn);
  }

  async resource<R>(path: string, hooks: ResourceHooks<never, R>): Promise<ResourceHandle<R>> {
    const unpinned = () => {
      if (this.#closing !== undefined) throw new TrimtabError('closed', 'The config is closed.');
      return this.#inUse();
    };
    return this.#applier.resource(path, hooks as ResourceHooks<unknown, unknown>, unpinned) as Promise<ResourceHandle<R>>;
  }

  on<E extends keyof ConfigEvents>(event: E, listener: (event: ConfigEvents[E]) => unknown): () => void {
    return this.#events.on(event, listener);
  }

  get ready(): boolean {
    return this.#facts.ready.value;
  }

  get synced(): boolean {
    return this.#facts.synced.value;
  }

  get stale(): boolean {
    return this.#facts.stale.value;
  }

  status(): ConfigStatus {
    const { revision, etag, source, layers } = this.#inUse();
    const { ready, synced, stale, refusal } = this.#facts;
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

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** Gives the client its way to the server. */
  attach(link: Link): void {
    this.#link = link;
  }

  /** Content from the disk, not in use yet: with it the server need only say that it is current, or what changed. */
  hold(candidate: Candidate): void {
    this.#received.hold(candidate);
  }

  /** What the server is told when it is asked to bring this client up to date. */
  position(): Position | undefined {
    const held = this.#applier.applied ?? this.#received.head;
    // Revision 0 never came from a server.
    return held === undefined || held.revision === 0 ? undefined : { revision: Math.max(this.#known, held.revision), etag: held.etag };
  }

  /** Applies a candidate of any source, in its turn, and says what became of it. */
  async offer(candidate: Candidate): Promise<Outcome> {
    const outcome = await this.#applier.offer(candidate);
    this.#settled(candidate, outcome);
    return outcome;
  }

  /** Takes a message of the feed. Never throws. */
  receive(message: FeedMessage): void {
    if (message.type === 'snapshot' || message.type === 'delta') return this.#judge(message);
    if (message.type !== 'current' && message.type !== 'bookmark') return;
    this.#know(message.revision);
    if (message.type === 'bookmark') return;
    const applied = this.#applier.applied;
    const held = this.#received.head;
    if (applied !== undefined) {
      // The refused revision has been taken back; the server learns that this client is where it should be.
      if (this.#facts.refusal !== undefined) this.#link?.report({ state: 'applied', revision: applied.revision, etag: applied.etag });
      this.#confirmed(applied.revision);
    } else if (held !== undefined) {
      this.#submit({ ...held, source: 'server' });
    }
  }

  /** Takes note of what the connection does. */
  connectionChanged(next: ConnectionState, reason: string): void {
    const previous = this.#state;
    if (previous === next) return;
    this.#state = next;
    if (previous === 'live') this.#facts.lost(reason);
    this.#events.emit('state', { previous, next, reason });
  }

  #judge(message: Extract<FeedMessage, { type: 'snapshot' | 'delta' }>): void {
    const { logger } = this.#options;
    const { revision, etag } = message;
    const verdict = this.#received.judge(message, this.#applier.applied);
    if (verdict.kind !== 'invalid' && verdict.kind !== 'mismatch') this.#know(revision);
    switch (verdict.kind) {
      case 'candidate':
        return this.#submit(verdict.candidate);
      case 'known':
        this.#confirmed(revision, message.layers);
        return this.#link?.report({ state: 'applied', revision, etag });
      case 'old':
        logger.warn(`Revision ${revision} is older than the one in use and was not applied.`);
        return this.#facts.lost(`the server offers revision ${revision}, which is older than the one in use`);
      case 'mismatch':
        logger.warn(`A delta to revision ${revision} does not fit (${verdict.reason}); asking for the whole snapshot.`);
        return this.#link?.resubscribe(null);
      case 'invalid':
        return this.#refused({ revision, etag, stage: 'etag', reason: verdict.reason, at: new Date() }, 'server');
    }
  }

  #submit(candidate: Candidate): void {
    const { refusal } = this.#facts;
    // The same content would be refused for the same reason; a resource may have better luck the second time.
    if (refusal?.etag === candidate.etag && refusal.stage === 'validate') {
      return this.#link?.report({ state: 'refused', revision: candidate.revision, etag: candidate.etag, reason: refusal.reason });
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
    this.#facts.applied(`revision ${revision} was applied`);
    if (source === 'server') {
      this.#confirmed(revision);
      this.#options.disk?.save(next);
    } else {
      this.#facts.lost(`started from ${source}; the server has not confirmed it`);
    }
    this.#pins.outside(() => {
      if (previous !== undefined) this.#watchers.notify(previous, next);
      this.#holdBack(waiting, revision);
      this.#events.emit('applied', { revision, etag, source });
    });
    this.#options.logger.info(`Revision ${revision} is in use.`, { source, etag });
    if (source === 'server') this.#link?.report({ state: 'applied', revision, etag });
  }

  #holdBack(waiting: readonly string[], revision: number): void {
    const before = this.#waiting;
    this.#waiting = Object.freeze([...waiting]);
    if (before.length === waiting.length && before.every((path, index) => path === waiting[index])) return;
    if (waiting.length > 0) this.#options.logger.warn(`Revision ${revision} changes ${waiting.join(', ')}, which takes a restart.`);
    this.#events.emit('restartRequired', { revision, paths: this.#waiting });
  }

  #refused(refusal: Refusal, source: ConfigSource): void {
    const { revision, etag, stage, reason } = refusal;
    // A source to start from that will not do: who starts says so, and the server has nothing to do with it.
    if (source !== 'server') return;
    this.#facts.refused(refusal);
    this.#options.logger.warn(`Revision ${revision} was refused (${stage}): ${reason}`);
    this.#pins.outside(() => this.#events.emit('refused', refusal));
    this.#link?.report({ state: 'refused', revision, etag, reason });
  }

  #confirmed(revision: number, layers?: Candidate['layers']): void {
    this.#applier.confirm(revision, layers);
    this.#facts.confirmed(`the server has confirmed revision ${revision}`);
  }

  #know(revision: number): void {
    if (revision > this.#known) this.#known = revision;
  }

  #read(path: string | readonly string[]): unknown {
    const snapshot = this.#seen();
    return typeof path === 'string' ? snapshot.read(path) : readPath(snapshot.main, path);
  }

  #seen(): AppliedSnapshot {
    return (this.#pins.active ? this.#pins.current : undefined) ?? this.#inUse();
  }

  #inUse(): AppliedSnapshot {
    const { applied } = this.#applier;
    // Only code of this library ever holds a client that has not started.
    if (applied === undefined) throw new TrimtabError('not_started', 'Nothing has been applied yet.');
    return applied;
  }

  #show(): void {
    const shown = this.#pins.active ? undefined : this.#applier.applied;
    this.#main = shown?.main;
    this.#paths = shown?.paths;
  }

  async #close(): Promise<void> {
    await this.#link?.close();
    this.connectionChanged('closed', 'closed by the service');
    await this.#applier.close();
    await this.#options.disk?.flush();
    this.#watchers.clear();
    this.#events.clear();
  }
}
