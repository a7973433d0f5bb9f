import { type Heads, sameHeads } from './heads';

export type HeadsListener = (heads: Heads) => void | Promise<void>;

/**
 * One listener, told one thing at a time and always the newest. What it could not take in (it threw) is offered again
 * at the next occasion, so that a listener which failed to catch up needs no retry of its own.
 */
export class Subscriber {
  private taken: Heads | undefined;
  private newest: Heads | undefined;
  private busy = false;
  private stopped = false;

  constructor(
    private readonly listener: HeadsListener,
    private readonly onFailure: (error: unknown) => void,
  ) {}

  /** Never throws, and returns before the listener is called. */
  offer(heads: Heads): void {
    this.newest = heads;
    if (this.busy) return;
    this.busy = true;
    queueMicrotask(() => void this.deliver());
  }

  stop(): void {
    this.stopped = true;
  }

  private async deliver(): Promise<void> {
    try {
      while (!this.stopped && this.newest !== undefined && !sameHeads(this.newest, this.taken)) {
        const heads = this.newest;
        await this.listener(heads);
        this.taken = heads;
      }
    } catch (error) {
      if (!this.stopped) this.onFailure(error);
    } finally {
      this.busy = false;
    }
  }
}
