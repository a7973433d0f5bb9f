/**
 * The advisory locks Trimtab takes, as the two keys of `pg_advisory_lock(int, int)`. They are one list so that no two
 * uses share a key by accident. Advisory locks belong to one database.
 */
export const ADVISORY_LOCKS = {
  /** Held while migrations run. */
  migration: [8848, 1],
  /** Held by whoever appends to the log, until its transaction commits. */
  log: [8848, 2],
  /** Held shared, in the `postgres` database of an embedded cluster, by every process that uses the cluster. */
  presence: [8848, 3],
  /** Held while the first administrator token is made. */
  firstToken: [8848, 4],
  /** Held, in a session of its own, by the replica that distributes over NATS. */
  distribution: [8848, 5],
  /** Held by whoever appends to the chain of the audit: taken at commit, after everything else, and until its end. */
  audit: [8848, 6],
  /** Held by whoever takes away what somebody may do, so that an administrator is left. */
  administrators: [8848, 7],
} as const satisfies Record<string, readonly [number, number]>;
