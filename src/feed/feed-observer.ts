import type { InstanceInfo, Position, Report } from '@trimtab/client/protocol';
import type { LayerName } from '../kernel/names';

export type TransportName = 'socket.io' | 'sse' | 'long-poll';

/** Wants to know who is connected and what each has applied. Called on the hot path: it must not block or throw. */
export interface FeedObserver {
  /** `id` is the connection's; `info.id` the instance's, which keeps it over reconnections. */
  connected(id: string, target: LayerName, info: InstanceInfo, transport: TransportName, since?: Position): InstanceHandle;
}

export interface InstanceHandle {
  report(report: Report): void;
  gone(): void;
}

/** Injection token of the {@link FeedObserver}. */
export const FEED_OBSERVER = Symbol('FeedObserver');

/** For a process, or a test, in which nobody wants to know. */
export const noObserver: FeedObserver = { connected: () => ({ report: () => undefined, gone: () => undefined }) };
