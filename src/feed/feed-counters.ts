import type { FeedMessage } from '@trimtab/client/protocol';
import type { Channel } from './channel';
import type { TransportName } from './feed-observer';

/** Wants to know when the members of a channel are written to. Called on the hot path: it must not block or throw. */
export interface RoundObserver {
  began(channel: Channel): void;
  ended(channel: Channel): void;
}

/** What the feed has done since the process started; the metrics page reads the members. */
export class FeedCounters {
  readonly connections: Record<TransportName, number> = { 'socket.io': 0, sse: 0, 'long-poll': 0 };
  readonly sent: Record<FeedMessage['type'], number> = { snapshot: 0, delta: 0, current: 0, bookmark: 0, closing: 0 };
  /** Connections closed because the client took nothing for too long. */
  stuck = 0;
  slices = 0;
  longestSliceMs = 0;
  /** Absent unless somebody traces. */
  rounds: RoundObserver | undefined;

  slice(ms: number): void {
    this.slices += 1;
    if (ms > this.longestSliceMs) this.longestSliceMs = ms;
  }
}
