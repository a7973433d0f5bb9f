import type { FeedScheduler } from './feed-scheduler';

/** In one turn; what a task leaves to the microtasks is not in the time it takes. */
const MAX_PER_TURN = 32;

/** Runs small tasks that fall due together, such as timers that were started together, in slices of the event loop. */
export class SlicedTasks {
  private tasks: (() => void)[] = [];
  private next = 0;

  constructor(
    private readonly scheduler: FeedScheduler,
    private readonly sliceMs: number,
  ) {}

  add(task: () => void): void {
    this.tasks.push(task);
    if (this.tasks.length === 1) this.schedule();
  }

  private schedule(): void {
    this.scheduler.soon(() => {
      const start = this.scheduler.now();
      const last = Math.min(this.tasks.length, this.next + MAX_PER_TURN);
      while (this.next < last && this.scheduler.now() - start < this.sliceMs) {
        this.tasks[this.next]?.();
        this.next += 1;
      }
      if (this.next < this.tasks.length) return this.schedule();
      this.tasks = [];
      this.next = 0;
    });
  }
}
