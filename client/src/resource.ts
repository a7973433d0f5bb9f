/** What a resource's `prepare` is told besides its part of the config. */
export interface PrepareContext {
  /** The revision that is being applied. */
  readonly revision: number;
  /**
   * Aborted when the result will not be used: another resource has failed, time has run out (`applyTimeoutMs`), or the
   * config is being closed. A resource that is returned all the same is disposed of.
   */
  readonly signal: AbortSignal;
}

/**
 * How to build something from a part of the config, and how to give it up again.
 *
 * @example
 * const pool = await config.resource('db.pool', {
 *   async prepare(next, { signal }) {
 *     const pool = new Pool(next);
 *     await pool.query('SELECT 1', { signal }); // a pool that cannot connect refuses the revision
 *     return pool;
 *   },
 *   dispose: (previous) => previous.end(), // drained in the background, when the new one is already in use
 * });
 */
export interface ResourceHooks<V, R> {
  /**
   * Builds the resource for `next`, the part of the config (frozen). Called at once, and again for every revision that
   * changes the part. When it throws or takes longer than `applyTimeoutMs`, the whole revision is refused and the old
   * resource stays in use.
   */
  prepare(next: V, context: PrepareContext): R | Promise<R>;
  /**
   * Called synchronously after the revision was taken into use, when every resource is prepared and `current` is
   * already the new one; `previous` is undefined the first time. What it throws is logged: it is too late to refuse.
   */
  commit?(resource: R, previous: R | undefined): void;
  /**
   * Gives up a resource that was replaced, or that was prepared for a revision which another resource refused. Not
   * waited for while applying; what it throws is logged.
   */
  dispose(previous: R): void | Promise<void>;
}

/** A resource that follows the config. */
export interface ResourceHandle<R> {
  /** The resource for the revision in use. Ask for it at each use; do not keep it. */
  readonly current: R;
  /** Stops following and disposes of the resource; resolves when `dispose` has. Never rejects. */
  close(): Promise<void>;
}
