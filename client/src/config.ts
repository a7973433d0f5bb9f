import type { ConfigPath, ConfigValue, DeepReadonly } from './config-path.js';
import type { ConfigEvents } from './events.js';
import type { ResourceHandle, ResourceHooks } from './resource.js';
import type { ConfigStatus } from './status.js';
import type { ChangeEvent } from './watchers.js';

/**
 * The config of one service in one environment, always at hand and always whole: every value that is read comes from
 * one deep-frozen snapshot, which is replaced by the next when a revision has been verified, validated and prepared
 * for. A revision that fails on the way is refused and changes nothing.
 *
 * Reading is synchronous, never fails and allocates nothing.
 *
 * @example
 * const config = await connect<AppConfig>({ url, key, service: 'orders', environment: 'production' });
 * config.get('db.pool.max'); // number
 * config.watch('log.level', ({ next }) => log.setLevel(next));
 */
export interface Config<T> {
  /**
   * The value at a path of the main document, dotted (`db.pool.max`, `hosts.0`). For keys that hold a dot themselves,
   * give the segments as an array, or an RFC 6901 pointer (`/logging/com.example`).
   *
   * @returns the value, frozen; `undefined` when it is not there. Never throws.
   *
   * @example
   * const max = config.get('db.pool.max');
   * const level = config.get(['logging', 'level', 'com.example']);
   */
  get<P extends ConfigPath<T>>(path: P): ConfigValue<T, P>;
  get(path: readonly string[]): unknown;

  /**
   * The whole main document, deep-frozen: for several values that belong together. Parts that a revision did not
   * change keep their identity from one snapshot to the next.
   *
   * @example
   * const { host, port } = config.snapshot().server;
   */
  snapshot(): DeepReadonly<T>;

  /**
   * Another document of the same snapshot: the value of a structured one, the text of any other. The schema does not
   * cover it.
   *
   * @returns `undefined` when there is no such document.
   *
   * @example
   * const xml = config.snapshot('logback.xml');
   */
  snapshot(document: string): unknown;

  /**
   * A handle to give to a component that needs one part of the config and should not know the rest.
   *
   * @example
   * const retries = config.value('payments.retries');
   * new PaymentClient({ retries: () => retries.current });
   */
  value<P extends ConfigPath<T>>(path: P): LiveValue<ConfigValue<T, P>>;

  /**
   * Calls `listener` whenever the value at the path has really changed, after the revision was taken into use, once per
   * applied revision. Not called for the value of now: read that with `get`. What the listener throws, or the promise
   * it returns rejects with, is logged and harms nobody.
   *
   * @returns how to stop watching.
   *
   * @example
   * const stop = config.watch('db.pool', ({ previous, next, revision, changedPaths }) => {
   *   log.info(`revision ${revision} changed ${changedPaths}`);
   * });
   */
  watch<P extends ConfigPath<T>>(path: P, listener: (event: ChangeEvent<ConfigValue<T, P>>) => unknown): () => void;

  /**
   * The same for a whole document: the main one, or another by name.
   *
   * @example
   * config.watchDocument('logback.xml', ({ next }) => reload(next));
   */
  watchDocument(document: string, listener: (event: ChangeEvent) => unknown): () => void;

  /**
   * Runs `fn`, and everything it starts and awaits, on one revision: whatever is published meanwhile, `get`,
   * `snapshot` and `value` answer from the snapshot that was in use when it began. For a request or a job that reads
   * its config more than once. A pin inside a pin keeps the outer revision. Resources are not pinned: `current` is
   * always the one that is not being drained.
   *
   * @returns what `fn` returns.
   *
   * @example
   * app.use((request, response, next) => config.runPinned(next));
   */
  runPinned<R>(fn: () => R): R;

  /**
   * Builds something from a part of the config and rebuilds it when the part changes: the new one is ready before the
   * old one is drained, and a new one that cannot be made refuses the whole revision. All resources that a revision
   * touches are prepared before any is taken into use.
   *
   * @throws TrimtabError `prepare_failed` when the first one cannot be made, `closed` after `close()`.
   *
   * @example
   * const pool = await config.resource('db.pool', {
   *   prepare: async (next) => openPool(next),
   *   dispose: (previous) => previous.end(),
   * });
   * await pool.current.query('SELECT 1');
   */
  resource<P extends ConfigPath<T>, R>(path: P, hooks: ResourceHooks<ConfigValue<T, P>, R>): Promise<ResourceHandle<R>>;

  /**
   * Calls `listener` at each event of this name; see {@link ConfigEvents}.
   *
   * @returns how to stop listening.
   *
   * @example
   * config.on('refused', ({ revision, reason }) => metrics.refused.inc());
   */
  on<E extends keyof ConfigEvents>(event: E, listener: (event: ConfigEvents[E]) => unknown): () => void;

  /** There is a config to read, from whatever source. True from the moment `connect` resolves. */
  readonly ready: boolean;
  /** The server has delivered or confirmed the config in use at least once since the process started. */
  readonly synced: boolean;
  /** The config in use may not be the newest: there is no live connection, or the newest revision was refused. */
  readonly stale: boolean;

  /**
   * Everything there is to know at this moment: the three facts with since when and why, revision and source, the last
   * refusal, paths that wait for a restart, the copy on disk.
   *
   * @example
   * app.get('/health', () => ({ config: config.status() }));
   */
  status(): ConfigStatus;

  /**
   * Ends the connection, disposes of the resources, finishes writing the disk copy. The last snapshot can still be
   * read. Never rejects; a second call waits for the same end.
   */
  close(): Promise<void>;
}

/** One part of the config, as a handle. */
export interface LiveValue<V> {
  /** The value now (or in the revision that the calling code is pinned to). */
  readonly current: V;
  /** Calls `listener` when it has changed; returns how to stop that. */
  watch(listener: (event: ChangeEvent<V>) => unknown): () => void;
}
