import type { Channel } from './channel';
import type { FeedCounters } from './feed-counters';
import type { FeedScheduler } from './feed-scheduler';
import type { Subscription } from './subscription';

/** Members written before the clock is read again, and before the next channel gets its turn. */
const BATCH = 32;

interface Round {
  readonly channel: Channel;
  rest: Iterator<Subscription>;
  /** The channel has moved since the round began: those already written need another one. */
  again: boolean;
}

/**
 * Writes to the members of channels in slices of the event loop, channels taking turns so that a small one does not
 * wait for a large one. A round under way is never restarted, only followed by another: restarting would starve the
 * members at its end while somebody publishes without pause.
 */
export class FanOut {
  private readonly rounds = new Map<Channel, Round>();
  private scheduled = false;

  constructor(
    private readonly scheduler: FeedScheduler,
    private readonly sliceMs: number,
    private readonly counters: FeedCounters,
  ) {}

  add(channel: Channel): void {
    const round = this.rounds.get(channel);
    if (round !== undefined) round.again = true;
    else {
      this.rounds.set(channel, { channel, rest: channel.members.values(), again: false });
      this.counters.rounds?.began(channel);
    }
    this.schedule();
  }

  private schedule(): void {
    if (this.scheduled || this.rounds.size === 0) return;
    this.scheduled = true;
    this.scheduler.soon(() => {
      this.scheduled = false;
      this.slice();
      this.schedule();
    });
  }

  private slice(): void {
    const start = this.scheduler.now();
    let now = start;
    while (this.rounds.size > 0 && now - start < this.sliceMs) {
      const round = this.rounds.values().next().value as Round;
      this.rounds.delete(round.channel);
      if (this.batch(round)) this.rounds.set(round.channel, round);
      now = this.scheduler.now();
    }
    this.counters.slice(now - start);
  }

  /** False when nobody is left to write to. */
  private batch(round: Round): boolean {
    for (let written = 0; written < BATCH; written += 1) {
      const { done, value } = round.rest.next();
      if (!done) {
        value.flush();
        continue;
      }
      this.counters.rounds?.ended(round.channel);
      if (!round.again) return false;
      round.again = false;
      this.counters.rounds?.began(round.channel);
      round.rest = round.channel.members.values();
    }
    return true;
  }
}
