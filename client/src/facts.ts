import type { Fact, Refusal } from './status.js';

/** The facts about the config in use that are true or not over time, each with since when and why. */
export class Facts {
  readonly #onChange: (name: 'synced' | 'stale', fact: Fact) => void;
  #ready = no('nothing has been applied yet');
  #synced = no('the server has not been heard yet');
  #stale = no('nothing has been applied yet');
  #refusal: Refusal | undefined;

  constructor(onChange: (name: 'synced' | 'stale', fact: Fact) => void) {
    this.#onChange = onChange;
  }

  /** There is a config to read. */
  get ready(): Fact {
    return this.#ready;
  }

  /** The server has delivered or confirmed what is in use, at least once. */
  get synced(): Fact {
    return this.#synced;
  }

  /** What is in use may not be the newest. */
  get stale(): Fact {
    return this.#stale;
  }

  /** The newest refusal that no applied revision has followed. */
  get refusal(): Refusal | undefined {
    return this.#refusal;
  }

  /** Something was applied; whether it is the newest is said by `confirmed` or `lost`. */
  applied(reason: string): void {
    if (!this.#ready.value) this.#ready = { value: true, since: new Date(), reason };
  }

  /** The server has said that what is in use is the newest. */
  confirmed(reason: string): void {
    if (!this.#synced.value) {
      this.#synced = { value: true, since: new Date(), reason };
      this.#onChange('synced', this.#synced);
    }
    this.#refusal = undefined;
    this.#setStale(false, reason);
  }

  /** The newest was not applied. */
  refused(refusal: Refusal): void {
    this.#refusal = refusal;
    if (this.#ready.value) this.#setStale(true, `revision ${refusal.revision} was refused: ${refusal.reason}`);
  }

  /** The server cannot be heard. */
  lost(reason: string): void {
    if (this.#ready.value) this.#setStale(true, reason);
  }

  #setStale(value: boolean, reason: string): void {
    const before = this.#stale;
    this.#stale = { value, since: before.value === value ? before.since : new Date(), reason };
    if (before.value !== value) this.#onChange('stale', this.#stale);
  }
}

function no(reason: string): Fact {
  return { value: false, since: new Date(), reason };
}
