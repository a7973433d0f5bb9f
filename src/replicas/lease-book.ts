import type { Revision } from '../kernel/revision';

/** A `replica` has the database and takes publishes; an `edge` has neither and serves clients what it was given. */
export const REPLICA_KINDS = ['replica', 'edge'] as const;
export type ReplicaKind = (typeof REPLICA_KINDS)[number];

/** A process that serves clients, from its start to its end. */
export interface ReplicaIdentity {
  readonly id: string;
  readonly kind: ReplicaKind;
  readonly host: string;
  readonly pid: number;
  readonly version: string;
  readonly startedAt: Date;
}

/** How it stands right now. */
export interface ReplicaStatus {
  /** The log revision it has read. */
  readonly position: Revision;
  readonly connections: number;
  /** Whether it hears of news of the log as they happen. */
  readonly listening: boolean;
}

/**
 * Where processes say that they live. A lease is named by whoever takes it (a new UUID for each registration), so that
 * asking twice does nothing twice. All times are those of the book, never of the one who asks.
 *
 * A replica keeps its own lease in the table of Postgres ({@link ReplicaTable}). A process that cannot reach Postgres
 * sends these calls to a replica, which makes them in its stead.
 */
export interface LeaseBook {
  /** Begins a lease. Any other of the same process ends, with every instance that was written under it. */
  register(lease: string, identity: ReplicaIdentity, status: ReplicaStatus): Promise<void>;
  /** False when the lease has ended, however that came: register again, and write every instance again. */
  renew(lease: string, status: ReplicaStatus): Promise<boolean>;
  /** Ends a lease, with every instance that was written under it. */
  end(lease: string): Promise<void>;
}
