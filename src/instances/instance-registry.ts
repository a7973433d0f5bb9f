import { Inject, Injectable } from '@nestjs/common';
import type { InstanceInfo, Position, Report } from '@trimtab/client/protocol';
import type { FeedObserver, InstanceHandle, TransportName } from '../feed/feed-observer';
import { CLOCK, type Clock } from '../kernel/clock';
import { layerKey, type LayerName } from '../kernel/names';
import type { Instance } from './instance';

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

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
  private readonly byConnection = new Map<string, Mutable<Instance>>();
  private readonly byTarget = new Map<string, Set<Instance>>();
  private readonly listeners = new Set<InstanceListener>();
  /** Pollers between two requests, with what ends their pause. */
  private readonly pausing = new Map<string, NodeJS.Timeout>();
  /** Requests of pollers that are under way. */
  private readonly polls = new Map<string, number>();

  constructor(@Inject(CLOCK) private readonly clock: Clock) {}

  connected(id: string, target: LayerName, info: InstanceInfo, transport: TransportName, since?: Position): InstanceHandle {
    if (transport === 'long-poll') return this.polled(`${id}/${layerKey(target)}`, target, info, since);
    const instance = this.enter(id, target, info, transport, since);
    return { report: (report) => this.report(instance, report), gone: () => this.leave(instance) };
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

  private enter(connection: string, target: LayerName, info: InstanceInfo, transport: TransportName, since?: Position): Mutable<Instance> {
    const instance: Mutable<Instance> = {
      connection,
      service: target.service,
      environment: target.environment,
      info: storable(info),
      transport,
      connectedAt: this.clock.now(),
      state: 'connected',
      revision: since?.revision,
      etag: since?.etag,
      appliedRevision: undefined,
      reason: undefined,
      reportedAt: undefined,
    };
    const key = layerKey(target);
    const peers = this.byTarget.get(key) ?? new Set();
    this.byTarget.set(key, peers.add(instance));
    this.byConnection.set(connection, instance);
    this.changed(instance, false);
    return instance;
  }

  private report(instance: Mutable<Instance>, report: Report): void {
    const refused = report.state === 'refused';
    instance.state = report.state;
    instance.revision = report.revision;
    instance.etag = report.etag;
    if (!refused) instance.appliedRevision = report.revision;
    instance.reason = refused ? wellFormed(report.reason) : undefined;
    instance.reportedAt = this.clock.now();
    this.changed(instance, refused);
  }

  private leave(instance: Instance): void {
    if (this.byConnection.get(instance.connection) !== instance) return;
    this.byConnection.delete(instance.connection);
    const key = layerKey(instance);
    const peers = this.byTarget.get(key);
    if (peers?.delete(instance) && peers.size === 0) this.byTarget.delete(key);
    this.changed(instance, false);
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
      this.changed(known, false);
    }
    return { report: () => undefined, gone: () => this.pause(instance) };
  }

  private pause(instance: Instance): void {
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

  private changed({ connection }: Instance, urgent: boolean): void {
    for (const listener of this.listeners) listener(connection, urgent);
  }
}

/** Half a surrogate pair cannot be stored, and would come back as another character. */
function storable({ id, host, library, labels }: InstanceInfo): InstanceInfo {
  return {
    id: wellFormed(id),
    ...(host === undefined ? {} : { host: wellFormed(host) }),
    ...(library === undefined ? {} : { library: wellFormed(library) }),
    ...(labels === undefined ? {} : { labels: Object.fromEntries(Object.entries(labels).map(([name, value]) => [wellFormed(name), wellFormed(value)])) }),
  };
}

function wellFormed(text: string): string {
  return text.replace(/\p{Cs}/gu, '\ufffd');
}
