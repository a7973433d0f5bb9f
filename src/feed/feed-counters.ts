import type { FeedMessage } from '@trimtab/client/protocol';
import type { TransportName } from './feed-observer';

/** What the feed has done since the process started; the metrics page reads the members. */
export class FeedCounters {
  readonly connections: Record<TransportName, number> = { 'socket.io': 0, sse: 0, 'long-poll': 0 };
  readonly sent: Record<FeedMessage['type'], number> = { snapshot: 0, delta: 0, current: 0, bookmark: 0, closing: 0 };
  /** Connections closed because the client took nothing for too long. */
  stuck = 0;
  slices = 0;
  longestSliceMs = 0;

  slice(ms: number): void {
    this.slices += 1;
    if (ms > this.longestSliceMs) this.longestSliceMs = ms;
  }
}
