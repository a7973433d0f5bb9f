/** The time and the turns of the event loop, injected so that tests decide both. */
export interface FeedScheduler {
  /** Milliseconds that only ever grow. */
  now(): number;
  /** Runs the task after the event loop has had a turn. */
  soon(task: () => void): void;
  /** Runs the task once, after this time, unless the returned function is called before. Never keeps the process alive. */
  after(ms: number, task: () => void): () => void;
  /** Runs the task again and again until the returned function is called. Never keeps the process alive. */
  every(ms: number, task: () => void): () => void;
}

export const eventLoopScheduler: FeedScheduler = {
  now: () => performance.now(),
  soon: (task) => void setImmediate(task),
  after: (ms, task) => {
    const timer = setTimeout(task, ms).unref();
    return () => clearTimeout(timer);
  },
  every: (ms, task) => {
    const timer = setInterval(task, ms).unref();
    return () => clearInterval(timer);
  },
};
