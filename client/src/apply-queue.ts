/**
 * Applies one candidate at a time, and of those that arrive meanwhile only the newest: there is never a queue.
 *
 * States: `idle` → `busy` (a candidate is being applied, or a task holds the queue) → `idle`; any → `closed`. While it
 * is idle a candidate whose application is synchronous is applied before `submit` returns.
 */
export class ApplyQueue<T, R> {
  readonly #apply: (candidate: T) => R | Promise<R>;
  readonly #superseded: R;
  #state: 'idle' | 'busy' | 'closed' = 'idle';
  #next: { readonly candidate: T; readonly settle?: (result: R) => void } | undefined;
  readonly #tasks: (() => Promise<void>)[] = [];

  /** `superseded` is the result of a candidate that a newer one replaced, or that came after `close`. */
  constructor(apply: (candidate: T) => R | Promise<R>, superseded: R) {
    this.#apply = apply;
    this.#superseded = superseded;
  }

  /** Applies the candidate now, or as soon as the queue is idle unless a newer one comes first. */
  submit(candidate: T, settle?: (result: R) => void): void {
    if (this.#state === 'closed') return settle?.(this.#superseded);
    if (this.#state === 'idle') return this.#start(candidate, settle);
    this.#next?.settle?.(this.#superseded);
    this.#next = { candidate, settle };
  }

  /** Runs a task while nothing is being applied. What the task throws rejects the promise. */
  exclusive<V>(task: () => Promise<V>): Promise<V> {
    return new Promise<V>((resolve, reject) => {
      this.#tasks.push(() => task().then(resolve, reject));
      if (this.#state !== 'busy') this.#drain();
    });
  }

  /** Nothing is applied any more; what waits is dropped. Tasks still run, so that they can find out for themselves. */
  close(): void {
    this.#state = 'closed';
    this.#next?.settle?.(this.#superseded);
    this.#next = undefined;
  }

  #start(candidate: T, settle: ((result: R) => void) | undefined): void {
    this.#state = 'busy';
    const finish = (result: R) => {
      settle?.(result);
      this.#release();
    };
    const result = this.#apply(candidate);
    if (result instanceof Promise) void result.then(finish);
    else finish(result);
  }

  #release(): void {
    if (this.#state === 'busy') this.#state = 'idle';
    this.#drain();
  }

  #drain(): void {
    const task = this.#tasks.shift();
    if (task !== undefined) {
      if (this.#state === 'idle') this.#state = 'busy';
      void task().finally(() => this.#release());
      return;
    }
    const next = this.#next;
    if (next === undefined || this.#state !== 'idle') return;
    this.#next = undefined;
    this.#start(next.candidate, next.settle);
  }
}
