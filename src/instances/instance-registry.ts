import { Inject, Injectable } from '@nestjs/common';
import type { InstanceInfo, Position, Report } from '@trimtab/client/protocol';
import type { InstanceCounter } from '../changes/impact';
import type { FeedObserver, InstanceHandle, TransportName } from '../feed/feed-observer';
import { CLOCK, type Clock } from '../kernel/clock';
import { layerKey, type LayerName } from '../kernel/names';
import type { Revision } from '../kernel/revision';

/** `connected`: has reported nothing yet; `applied`, `refused`: what it did with `revision`. */
export type InstanceState = 'connected' | 'applied' | 'refused';

/** One connection of a running copy of a service. */
export interface Instance extends LayerName {
  /** Of the connection; an instance that reconnects gets a new one. */
  readonly connection: string;
  readonly info: InstanceInfo;
  readonly transport: TransportName;
  readonly connectedAt: Date;
  readonly state: InstanceState;
  /** The revision it reported last; until then the position it presented when it connected. */
  readonly revision: Revision | undefined;
  readonly etag: string | undefined;
  /** Why it refused. */
  readonly reason: string | undefined;
  readonly reportedAt: Date | undefined;
}

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

/** Who is connected to this replica, and what each has done with what it was sent. In memory: it ends with the connections. */
@Injectable()
export class InstanceRegistry implements FeedObserver, InstanceCounter {
  private readonly byTarget = new Map<string, Set<Instance>>();

  constructor(@Inject(CLOCK) private readonly clock: Clock) {}

  connected(id: string, target: LayerName, info: InstanceInfo, transport: TransportName, since?: Position): InstanceHandle {
    const instance: Mutable<Instance> = {
      connection: id,
      service: target.service,
      environment: target.environment,
      info,
      transport,
      connectedAt: this.clock.now(),
      state: 'connected',
      revision: since?.revision,
      etag: since?.etag,
      reason: undefined,
      reportedAt: undefined,
    };
    const key = layerKey(target);
    const peers = this.byTarget.get(key) ?? new Set();
    this.byTarget.set(key, peers.add(instance));
    return {
      report: (report: Report) => {
        instance.state = report.state;
        instance.revision = report.revision;
        instance.etag = report.etag;
        instance.reason = report.state === 'refused' ? report.reason : undefined;
        instance.reportedAt = this.clock.now();
      },
      gone: () => {
        peers.delete(instance);
        if (peers.size === 0 && this.byTarget.get(key) === peers) this.byTarget.delete(key);
      },
    };
  }

  count(target: LayerName): number {
    return this.byTarget.get(layerKey(target))?.size ?? 0;
  }

  /** Instances in the order of service, environment and connection. */
  list(filter: { readonly service?: string; readonly environment?: string; readonly state?: InstanceState }): Instance[] {
    const found: Instance[] = [];
    for (const peers of this.byTarget.values()) {
      for (const instance of peers) {
        if (filter.service !== undefined && instance.service !== filter.service) continue;
        if (filter.environment !== undefined && instance.environment !== filter.environment) continue;
        if (filter.state !== undefined && instance.state !== filter.state) continue;
        found.push(instance);
      }
    }
    return found.sort((a, b) => compare(sortKey(a), sortKey(b)));
  }
}

/** Where an instance stands in the list; the key of its cursor too. */
export function sortKey({ service, environment, connection }: Instance): [string, string, string] {
  return [service, environment, connection];
}

export function compare(a: readonly string[], b: readonly string[]): number {
  for (const [index, part] of a.entries()) {
    const other = b[index] ?? '';
    if (part !== other) return part < other ? -1 : 1;
  }
  return 0;
}
