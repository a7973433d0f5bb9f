import type { AppliedSnapshot } from './applied-snapshot.js';
import { changedPaths } from './changed-paths.js';
import { fenced, type Logger } from './logger.js';
import { parsePath, readPath } from './read-path.js';

/** What a watcher is told when the part it watches has changed. */
export class ChangeEvent<V = unknown> {
  readonly #base: readonly string[];
  #changedPaths: readonly string[] | undefined;

  constructor(
    /** The value before, frozen; `undefined` when the part was not there. */
    readonly previous: V,
    /** The value now, frozen; `undefined` when the part is gone. */
    readonly next: V,
    /** The revision that changed it. */
    readonly revision: number,
    base: readonly string[],
  ) {
    this.#base = base;
  }

  /**
   * Where the watched part differs, leaf by leaf (an array counts as one leaf), from the document's root and in the
   * form that `get` takes. Worked out when first asked for.
   *
   * @example
   * config.watch('db', ({ changedPaths }) => log.info(changedPaths)); // ['db.pool.max', 'db.url']
   */
  get changedPaths(): readonly string[] {
    this.#changedPaths ??= changedPaths(this.previous, this.next, this.#base);
    return this.#changedPaths;
  }
}

interface Watcher {
  readonly document: string;
  readonly segments: readonly string[];
  readonly listener: (event: ChangeEvent) => unknown;
}

/** Who wants to know when which part of the config changes. */
export class Watchers {
  readonly #watchers = new Set<Watcher>();
  readonly #logger: Logger;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** Calls `listener` whenever the value at `path` of the document has changed; returns how to stop that. */
  add(document: string, path: string | readonly string[], listener: (event: ChangeEvent) => unknown): () => void {
    const watcher = { document, segments: typeof path === 'string' ? parsePath(path) : path, listener };
    this.#watchers.add(watcher);
    return () => void this.#watchers.delete(watcher);
  }

  /** Tells those whose part differs. Equal parts have the same identity, so each costs one comparison. */
  notify(previous: AppliedSnapshot, next: AppliedSnapshot): void {
    if (this.#watchers.size === 0) return;
    // A watcher added by a listener is not told of a change that happened before.
    for (const watcher of [...this.#watchers]) {
      const before = readPath(previous.document(watcher.document), watcher.segments);
      const after = readPath(next.document(watcher.document), watcher.segments);
      if (Object.is(before, after) || !this.#watchers.has(watcher)) continue;
      const event = new ChangeEvent(before, after, next.revision, watcher.segments);
      fenced(this.#logger, `A listener of '${watcher.segments.join('.')}'`, () => watcher.listener(event));
    }
  }

  /** Forgets them all. */
  clear(): void {
    this.#watchers.clear();
  }
}
