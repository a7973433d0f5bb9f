import { AsyncLocalStorage } from 'node:async_hooks';
import type { AppliedSnapshot } from './applied-snapshot.js';

/**
 * Which asynchronous call tree is pinned to which snapshot.
 *
 * Asking the AsyncLocalStorage costs more than the read itself, so it is asked only while `active`: when a snapshot
 * that was pinned has been replaced and some call tree may still be looking at it. A pin on the newest snapshot needs
 * no asking. That a call tree is over, whatever it left running, only the garbage collector knows: the snapshot object
 * itself is what the storage holds, and once it is collected nobody can be pinned to it any more.
 */
export class Pins {
  #storage: AsyncLocalStorage<AppliedSnapshot | undefined> | undefined;
  #collected: FinalizationRegistry<undefined> | undefined;
  #retired = 0;
  readonly #onQuiet: () => void;

  /** `onQuiet` is called when the last replaced snapshot that was pinned has been collected. */
  constructor(onQuiet: () => void) {
    this.#onQuiet = onQuiet;
  }

  /** Whether some call tree may be pinned to a snapshot that is not the newest. */
  get active(): boolean {
    return this.#retired > 0;
  }

  /** The snapshot the current call tree is pinned to. */
  get current(): AppliedSnapshot | undefined {
    return this.#storage?.getStore();
  }

  /** Runs `fn` pinned to `snapshot`; inside another pin the outer one stays. */
  run<R>(snapshot: AppliedSnapshot, fn: () => R): R {
    this.#storage ??= new AsyncLocalStorage();
    const pinned = this.#storage.getStore() ?? snapshot;
    pinned.pinned = true;
    return this.#storage.run(pinned, fn);
  }

  /** Runs `fn` outside any pin: listeners see the revision they are told about. */
  outside<R>(fn: () => R): R {
    return this.#storage === undefined ? fn() : this.#storage.run(undefined, fn);
  }

  /** To be told of each snapshot that is replaced. */
  retire(snapshot: AppliedSnapshot): void {
    if (!snapshot.pinned) return;
    this.#collected ??= new FinalizationRegistry(() => {
      this.#retired--;
      if (this.#retired === 0) this.#onQuiet();
    });
    this.#retired++;
    this.#collected.register(snapshot, undefined);
  }
}
