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
  readonly sent: Record<FeedMessage['type'], number> = { snapshot: 0, delta: 0, current: 0, bookmark: 0, move: 0, closing: 0 };
  /** New connections: `waiting` for their turn now; so far `admitted`, and `refused` because the wait would be too long. */
  readonly admissions = { waiting: 0, admitted: 0, refused: 0 };
  /** Clients that are taking a large message, and those that wait until it is their turn. */
  readonly largeMessages = { underWay: 0, waiting: 0 };
  /** Clients that left by themselves after they were asked to move. */
  moved = 0;
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
