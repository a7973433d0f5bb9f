import { Inject, Injectable } from '@nestjs/common';
import type { InstanceInfo, Position, Report } from '@trimtab/client/protocol';
import type { FeedObserver, InstanceHandle, TransportName } from '../feed/feed-observer';
import { CLOCK, type Clock } from '../kernel/clock';
import { layerKey, type LayerName } from '../kernel/names';
import type { Revision } from '../kernel/revision';
import type { Instance, InstanceState } from './instance';

/** `urgent`: somebody should know at once. */
export type InstanceListener = (connection: string, urgent: boolean) => void;

/** A poller is away between two requests: it counts as connected for this long. */
const POLL_PAUSE_MS = 5_000;

/**
 * Who is connected to this process, and what each has done with what it was sent. In memory, and the truth: what is
 * written down of it elsewhere can always be written again.
 */
@Injectable()
export class InstanceRegistry implements FeedObserver {
  private readonly byConnection = new Map<string, ConnectedInstance>();
  private readonly byTarget = new Map<string, Set<ConnectedInstance>>();
  private readonly listeners = new Set<InstanceListener>();
  /** Pollers between two requests, with what ends their pause. */
  private readonly pausing = new Map<string, NodeJS.Timeout>();
  /** Requests of pollers that are under way. */
  private readonly polls = new Map<string, number>();
  private readonly host: InstanceHost;

  constructor(@Inject(CLOCK) private readonly clock: Clock) {
    this.host = {
      now: () => this.clock.now(),
      changed: (connection, urgent) => this.changed(connection, urgent),
      gone: (instance) => this.leave(instance),
    };
  }

  connected(id: string, target: LayerName, info: InstanceInfo, transport: TransportName, since?: Position): InstanceHandle {
    if (transport === 'long-poll') return this.polled(`${id}/${layerKey(target)}`, target, info, since);
    return this.enter(id, target, info, transport, since);
  }

  /** Tells of every connection that came, changed or went. Called on the hot path: it must not block or throw. */
  onChange(listener: InstanceListener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  get size(): number {
    return this.byConnection.size;
  }

  get(connection: string): Instance | undefined {
    return this.byConnection.get(connection);
  }

  connections(): IterableIterator<string> {
    return this.byConnection.keys();
  }

  /** The instances of each target that has any. */
  targets(): IterableIterator<ReadonlySet<Instance>> {
    return this.byTarget.values();
  }

  of(target: LayerName): ReadonlySet<Instance> | undefined {
    return this.byTarget.get(layerKey(target));
  }

  close(): void {
    for (const pause of this.pausing.values()) clearTimeout(pause);
    this.pausing.clear();
  }

  private enter(connection: string, target: LayerName, info: InstanceInfo, transport: TransportName, since?: Position): ConnectedInstance {
    const instance = new ConnectedInstance(this.host, connection, target, storable(info), transport, this.clock.now());
    instance.revision = since?.revision;
    instance.etag = since?.etag;
    const key = layerKey(target);
    const peers = this.byTarget.get(key) ?? new Set();
    this.byTarget.set(key, peers.add(instance));
    this.byConnection.set(connection, instance);
    this.changed(connection, false);
    return instance;
  }

  private leave(instance: ConnectedInstance): void {
    if (this.byConnection.get(instance.connection) !== instance) return;
    this.byConnection.delete(instance.connection);
    const key = layerKey(instance);
    const peers = this.byTarget.get(key);
    if (peers?.delete(instance) && peers.size === 0) this.byTarget.delete(key);
    this.changed(instance.connection, false);
  }

  /**
   * A poller is one connection over all its requests. What it holds is what it presents with each; nothing is told, and
   * so nothing written, while that stays the same.
   */
  private polled(connection: string, target: LayerName, info: InstanceInfo, since?: Position): InstanceHandle {
    clearTimeout(this.pausing.get(connection));
    this.pausing.delete(connection);
    this.polls.set(connection, (this.polls.get(connection) ?? 0) + 1);
    const known = this.byConnection.get(connection);
    const instance = known ?? this.enter(connection, target, info, 'long-poll', since);
    if (known !== undefined && known.etag !== since?.etag) {
      known.revision = since?.revision;
      known.etag = since?.etag;
      this.changed(connection, false);
    }
    return { report: () => undefined, gone: () => this.pause(instance) };
  }

  private pause(instance: ConnectedInstance): void {
    const { connection } = instance;
    const polls = (this.polls.get(connection) ?? 1) - 1;
    if (polls > 0) {
      this.polls.set(connection, polls);
      return;
    }
    this.polls.delete(connection);
    const end = (): void => {
      this.pausing.delete(connection);
      this.leave(instance);
    };
    this.pausing.set(connection, setTimeout(end, POLL_PAUSE_MS).unref());
  }

  private changed(connection: string, urgent: boolean): void {
    for (const listener of this.listeners) listener(connection, urgent);
  }
}

/** What connected instances share. */
interface InstanceHost {
  now(): Date;
  changed(connection: string, urgent: boolean): void;
  gone(instance: ConnectedInstance): void;
}

/** Its own handle, and a class: there is one for each of ten thousand connections. */
class ConnectedInstance implements Instance, InstanceHandle {
  readonly service: string;
  readonly environment: string;
  state: InstanceState = 'connected';
  revision: Revision | undefined;
  etag: string | undefined;
  appliedRevision: Revision | undefined;
  reason: string | undefined;
  reportedAt: Date | undefined;
  readonly #host: InstanceHost;

  constructor(
    host: InstanceHost,
    readonly connection: string,
    { service, environment }: LayerName,
    readonly info: InstanceInfo,
    readonly transport: TransportName,
    readonly connectedAt: Date,
  ) {
    this.#host = host;
    this.service = service;
    this.environment = environment;
  }

  report(report: Report): void {
    const refused = report.state === 'refused';
    this.state = report.state;
    this.revision = report.revision;
    this.etag = report.etag;
    if (!refused) this.appliedRevision = report.revision;
    this.reason = refused ? wellFormed(report.reason) : undefined;
    this.reportedAt = this.#host.now();
    this.#host.changed(this.connection, refused);
  }

  gone(): void {
    this.#host.gone(this);
  }
}

/** Half a surrogate pair cannot be stored, and would come back as another character. */
function storable(info: InstanceInfo): InstanceInfo {
  const { id, host = '', library = '', labels = {} } = info;
  const texts = [id, host, library, ...Object.entries(labels).flat()];
  if (texts.every((text) => wellFormed(text) === text)) return info;
  return {
    id: wellFormed(id),
    host: wellFormed(host),
    library: wellFormed(library),
    labels: Object.fromEntries(Object.entries(labels).map(([name, value]) => [wellFormed(name), wellFormed(value)])),
  };
}

function wellFormed(text: string): string {
  return text.replace(/\p{Cs}/gu, '\ufffd');
}
