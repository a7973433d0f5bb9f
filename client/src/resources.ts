import type { AppliedSnapshot } from './applied-snapshot.js';
import { messageOf, TrimtabError } from './errors.js';
import { fenced, type Logger } from './logger.js';
import { parsePath, readPath } from './read-path.js';
import type { ResourceHandle, ResourceHooks } from './resource.js';

type Hooks = ResourceHooks<unknown, unknown>;
type Prepared = { readonly entry: Entry; readonly resource: unknown };

/** Every resource that concerns the next snapshot, prepared: to be taken into use, or thrown away. */
export type Preparation =
  | { readonly ok: true; readonly commit: () => void; readonly discard: () => void }
  | { readonly ok: false; readonly reason: string };

interface Entry {
  readonly path: string;
  readonly segments: readonly string[];
  readonly hooks: Hooks;
  /** Unset only while it is first prepared. */
  held: { readonly resource: unknown } | undefined;
  closed: boolean;
}

/**
 * What services build from their config and must rebuild when it changes: pools, clients, caches. All new ones are
 * ready before any old one is given up; when one cannot be made, those that could are disposed of and nothing changes.
 */
export class Resources {
  readonly #entries = new Set<Entry>();
  /** The preparation under way; the apply queue sees to it that there is one at most. */
  #attempt: AbortController | undefined;
  readonly #timeoutMs: number;
  readonly #logger: Logger;

  constructor(timeoutMs: number, logger: Logger) {
    this.#timeoutMs = timeoutMs;
    this.#logger = logger;
  }

  /** Prepares a new resource for the config in use. */
  async add(path: string, hooks: Hooks, snapshot: AppliedSnapshot): Promise<ResourceHandle<unknown>> {
    const entry: Entry = { path, segments: parsePath(path), hooks, held: undefined, closed: false };
    const prepared = await this.#prepareAll([entry], snapshot);
    if (!prepared.ok) throw new TrimtabError('prepare_failed', prepared.reason);
    this.#entries.add(entry);
    prepared.commit();
    return {
      get current() {
        return entry.held?.resource;
      },
      close: () => this.#close(entry),
    };
  }

  /** Prepares what `next` changes; undefined, without a detour over a promise, when that is nothing. */
  prepare(previous: AppliedSnapshot, next: AppliedSnapshot): Promise<Preparation> | undefined {
    if (this.#entries.size === 0) return undefined;
    const concerned = [...this.#entries].filter(
      ({ segments }) => !Object.is(readPath(previous.main, segments), readPath(next.main, segments)),
    );
    return concerned.length === 0 ? undefined : this.#prepareAll(concerned, next);
  }

  /** Stops what is being prepared and disposes of everything. */
  async close(): Promise<void> {
    this.#attempt?.abort(new TrimtabError('closed', 'The config was closed.'));
    await Promise.all([...this.#entries].map((entry) => this.#close(entry)));
  }

  async #prepareAll(entries: readonly Entry[], next: AppliedSnapshot): Promise<Preparation> {
    const attempt = new AbortController();
    const { signal } = attempt;
    this.#attempt = attempt;
    const late = new Error(`not every resource was prepared within ${this.#timeoutMs} ms`);
    const timer = setTimeout(() => attempt.abort(late), this.#timeoutMs).unref();
    const done: Prepared[] = [];
    const prepareOne = async (entry: Entry) => {
      let resource: unknown;
      try {
        resource = await entry.hooks.prepare(readPath(next.main, entry.segments), { revision: next.revision, signal });
      } catch (error) {
        throw new Error(`'${entry.path}' could not be prepared: ${messageOf(error)}`);
      }
      // Another may have failed, or time may have run out, while this one was still at it.
      if (signal.aborted) this.#dispose(entry, resource);
      else done.push({ entry, resource });
    };
    const discard = () => {
      for (const { entry, resource } of done) this.#dispose(entry, resource);
    };
    try {
      await Promise.race([Promise.all(entries.map(prepareOne)), abortOf(signal)]);
      return { ok: true, commit: () => this.#commit(done), discard };
    } catch (error) {
      attempt.abort(error);
      discard();
      return { ok: false, reason: messageOf(error) };
    } finally {
      clearTimeout(timer);
      this.#attempt = undefined;
    }
  }

  // First all references, then the hooks: whoever looks at one resource from the commit of another finds the new one.
  #commit(prepared: readonly Prepared[]): void {
    const previous = prepared.map(({ entry }) => entry.held);
    for (const { entry, resource } of prepared) entry.held = { resource };
    prepared.forEach(({ entry, resource }, index) => {
      const old = previous[index];
      const { hooks } = entry;
      if (entry.closed) return this.#dispose(entry, resource);
      fenced(this.#logger, `commit of '${entry.path}'`, () => hooks.commit?.(resource, old?.resource));
      if (old !== undefined) this.#dispose(entry, old.resource);
    });
  }

  #dispose(entry: Entry, resource: unknown): void {
    fenced(this.#logger, `dispose of '${entry.path}'`, () => entry.hooks.dispose(resource));
  }

  async #close(entry: Entry): Promise<void> {
    if (!this.#entries.delete(entry)) return;
    entry.closed = true;
    try {
      await entry.hooks.dispose(entry.held?.resource);
    } catch (error) {
      this.#logger.error(`dispose of '${entry.path}' failed: ${messageOf(error)}`, { error });
    }
  }
}

// Rejects when the signal is aborted, so that a prepare that ignores it cannot hold up everything for ever.
function abortOf(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true }));
}
