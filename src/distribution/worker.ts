const RETRY_MS = 100;
const MAX_RETRY_MS = 2_000;

/**
 * Does one piece of work at a time, again whenever it is woken, and again by itself after it has failed.
 *
 * States: `idle` → (woken) `working` → `idle`, or (failed) `waiting` → `working`; any → `stopped`.
 */
export class Worker {
  private readonly stopping = new AbortController();
  private woken = false;
  private running: Promise<void> | undefined;
  private interrupt: () => void = () => undefined;

  constructor(
    private readonly work: () => Promise<void>,
    private readonly onFailure: (error: unknown, attempt: number) => void,
  ) {}

  wake(): void {
    this.woken = true;
    if (!this.stopping.signal.aborted) this.running ??= this.run();
  }

  /** Like {@link wake}, and does not wait for the next attempt either: what made it fail has changed. */
  hurry(): void {
    this.wake();
    this.interrupt();
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    this.interrupt();
    await this.running;
  }

  private async run(): Promise<void> {
    // What wakes it in this turn is one piece of work.
    await Promise.resolve();
    for (let attempt = 0; this.woken && !this.stopping.signal.aborted; ) {
      this.woken = false;
      try {
        await this.work();
        attempt = 0;
      } catch (error) {
        if (this.stopping.signal.aborted) break;
        this.onFailure(error, attempt);
        this.woken = true;
        await this.pause(Math.min(MAX_RETRY_MS, RETRY_MS * 2 ** Math.min(attempt++, 10)));
      }
    }
    // In the turn of the last look at `woken`: whoever wakes it after that starts it anew.
    this.running = undefined;
  }

  private async pause(ms: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.interrupt = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
