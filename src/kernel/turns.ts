/** Short enough that a request which needs several turns of the event loop hardly notices the work it waits for. */
const SLICE_MS = 2;

/** The event loop is one for the whole process, and so is the line of those who wait to go on. */
const waiting: (() => void)[] = [];

/**
 * Cuts long work into slices: between two pieces of it, `if (turns.isDue) await turns.next();`. However many such works
 * are under way, the event loop serves everybody else after each slice of one of them.
 */
export class Turns {
  private since = performance.now();

  /** Whether this work has had its slice. */
  get isDue(): boolean {
    return performance.now() - this.since > SLICE_MS;
  }

  /** Resolves when it is this work's turn again. */
  async next(): Promise<void> {
    await new Promise<void>((resolve) => {
      waiting.push(resolve);
      if (waiting.length === 1) setImmediate(serve);
    });
    this.since = performance.now();
  }
}

/** One of them in a turn of the loop. */
function serve(): void {
  const [resolve] = waiting.splice(0, 1);
  if (waiting.length > 0) setImmediate(serve);
  resolve?.();
}
