import type { FeedScheduler } from '../feed-scheduler';

/** Time stands still, and nothing happens later, until the test says so. */
export class ManualScheduler implements FeedScheduler {
  private time = 0;
  private tasks: (() => void)[] = [];
  private readonly intervals = new Set<{ readonly ms: number; readonly task: () => void; next: number }>();
  /** How much the clock moves each time it is read: work that takes time. */
  cost = 0;

  now(): number {
    this.time += this.cost;
    return this.time;
  }

  soon(task: () => void): void {
    this.tasks.push(task);
  }

  after(ms: number, task: () => void): () => void {
    const stop = this.every(ms, () => {
      stop();
      task();
    });
    return stop;
  }

  every(ms: number, task: () => void): () => void {
    const interval = { ms, task, next: this.time + ms };
    this.intervals.add(interval);
    return () => void this.intervals.delete(interval);
  }

  /** One turn of the event loop. False when there was nothing to do. */
  turn(): boolean {
    const tasks = this.tasks;
    this.tasks = [];
    for (const task of tasks) task();
    return tasks.length > 0;
  }

  settle(): void {
    while (this.turn());
  }

  advance(ms: number): void {
    this.time += ms;
    for (const interval of this.intervals) {
      if (interval.next > this.time) continue;
      interval.next = this.time + interval.ms;
      interval.task();
    }
  }

  get timers(): number {
    return this.intervals.size;
  }
}
