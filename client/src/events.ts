import { fenced, type Logger } from './logger.js';
import type { ConfigSource, ConnectionState, Fact, Refusal } from './status.js';

/** What `config.on` tells about, by name. Listeners are called synchronously; what they throw is logged. */
export interface ConfigEvents {
  /** A snapshot was taken into use. Watchers have been told before. */
  readonly applied: { readonly revision: number; readonly etag: string; readonly source: ConfigSource };
  /** A revision was not applied; the one before it stays in use. */
  readonly refused: Refusal;
  /** The server has delivered or confirmed the config in use for the first time. */
  readonly synced: Fact;
  /** The config in use may no longer be the newest (`value: true`), or is known to be again (`value: false`). */
  readonly stale: Fact;
  /** The set of restart-only paths that wait for a restart has changed; empty when the old values were restored. */
  readonly restartRequired: { readonly revision: number; readonly paths: readonly string[] };
  /** The connection has changed its state. */
  readonly state: { readonly previous: ConnectionState; readonly next: ConnectionState; readonly reason: string };
}

type Listener = (event: never) => unknown;

/** Who listens to which event. A listener that throws harms nobody. */
export class Events {
  readonly #listeners = new Map<keyof ConfigEvents, Set<Listener>>();
  readonly #logger: Logger;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** Calls `listener` at each event of this name; returns how to stop that. */
  on<E extends keyof ConfigEvents>(name: E, listener: (event: ConfigEvents[E]) => unknown): () => void {
    const listeners = this.#listeners.get(name) ?? new Set();
    this.#listeners.set(name, listeners.add(listener));
    return () => void listeners.delete(listener);
  }

  /** Tells everyone who listens. */
  emit<E extends keyof ConfigEvents>(name: E, event: ConfigEvents[E]): void {
    const listeners = this.#listeners.get(name);
    if (listeners === undefined || listeners.size === 0) return;
    for (const listener of [...listeners]) {
      fenced(this.#logger, `A listener of '${name}'`, () => (listener as (event: ConfigEvents[E]) => unknown)(event));
    }
  }

  /** Forgets all listeners. */
  clear(): void {
    this.#listeners.clear();
  }
}
