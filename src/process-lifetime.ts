/** npm passes a Ctrl-C on to a process that has already got it from the terminal: that is one wish, not two. */
const SAME_WISH_MS = 1_000;

export interface LifetimeOptions {
  /** Called once, at the first SIGTERM or SIGINT. The process exits with 0 when it is done. */
  readonly stop: (signal: NodeJS.Signals) => Promise<void>;
  /** When stopping takes longer, the process exits with 1. */
  readonly timeoutMs: number;
  /** Writes what went wrong; never throws. */
  readonly report: (error: unknown) => void;
}

/**
 * Ties the process to its signals. Ours and not Nest's shutdown hooks: those raise the signal again, which cuts off
 * whatever is still closing and turns an orderly stop into exit code 143.
 */
export function followSignals({ stop, timeoutMs, report }: LifetimeOptions): void {
  let stoppingSince: number | undefined;

  const onSignal = (signal: NodeJS.Signals): void => {
    if (stoppingSince !== undefined) {
      if (Date.now() - stoppingSince > SAME_WISH_MS) process.exit(1);
      return;
    }
    stoppingSince = Date.now();
    setTimeout(() => {
      report(new Error(`Stopping took longer than ${timeoutMs} ms.`));
      process.exit(1);
    }, timeoutMs).unref();
    stop(signal).then(
      () => process.exit(0),
      (error: unknown) => {
        report(error);
        process.exit(1);
      },
    );
  };

  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
}

/** A defect must not leave a process that looks alive: say what it was and go. */
export function exitOnDefects(report: (error: unknown) => void): void {
  const onDefect = (error: unknown): void => {
    report(error);
    process.exit(1);
  };
  process.on('uncaughtException', onDefect);
  process.on('unhandledRejection', onDefect);
  // Whoever read our output may go away first; that is no reason to stop serving.
  process.stdout.on('error', () => undefined);
  process.stderr.on('error', () => undefined);
}
