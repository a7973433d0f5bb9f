import type { InstanceInfo, Position, Report } from '@trimtab/client/protocol';
import type { LayerName } from '../kernel/names';
import type { FeedObserver, InstanceHandle, TransportName } from './feed-observer';

/** The connection a report came on. */
export interface ReportingConnection {
  readonly target: LayerName;
  readonly info: InstanceInfo;
  readonly transport: TransportName;
  /** When it was let in, in milliseconds of this process's monotonic clock. */
  readonly connectedAt: number;
}

export type ReportListener = (report: Report, connection: ReportingConnection) => void;

/** Hears every report on its way to the {@link FeedObserver}, and tells those who measure. They must not block or throw. */
export class ReportHub implements FeedObserver {
  readonly listeners = new Set<ReportListener>();

  constructor(private readonly observer: FeedObserver) {}

  /** Returns how to stop it. */
  onReport(listener: ReportListener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  connected(id: string, target: LayerName, info: InstanceInfo, transport: TransportName, since?: Position): InstanceHandle {
    return new HeardInstance(this, this.observer.connected(id, target, info, transport, since), target, info, transport);
  }
}

/** A class and not closures: there is one for each connection. */
class HeardInstance implements InstanceHandle, ReportingConnection {
  readonly connectedAt = performance.now();

  constructor(
    private readonly hub: ReportHub,
    private readonly handle: InstanceHandle,
    readonly target: LayerName,
    readonly info: InstanceInfo,
    readonly transport: TransportName,
  ) {}

  report(report: Report): void {
    this.handle.report(report);
    for (const listener of this.hub.listeners) listener(report, this);
  }

  gone(): void {
    this.handle.gone();
  }
}
