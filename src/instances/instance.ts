import type { InstanceInfo } from '@trimtab/client/protocol';
import type { TransportName } from '../feed/feed-observer';
import type { LayerName } from '../kernel/names';
import type { Revision } from '../kernel/revision';

/** `connected`: has reported nothing yet; `applied`, `refused`: what it did with `revision`. */
export const INSTANCE_STATES = ['connected', 'applied', 'refused'] as const;
export type InstanceState = (typeof INSTANCE_STATES)[number];

/** One connection of a running copy of a service. */
export interface Instance extends LayerName {
  /** Of the connection, unique in its process; an instance that reconnects gets a new one. */
  readonly connection: string;
  readonly info: InstanceInfo;
  readonly transport: TransportName;
  readonly connectedAt: Date;
  readonly state: InstanceState;
  /** The revision it reported last; until then the position it presented when it connected. */
  readonly revision: Revision | undefined;
  /** Of the content it reported last, also of one it refused; until then of what it held when it connected. */
  readonly etag: string | undefined;
  /** The revision it has reported to run: a refusal leaves it as it is. */
  readonly appliedRevision: Revision | undefined;
  /** Why it refused. */
  readonly reason: string | undefined;
  readonly reportedAt: Date | undefined;
}

/** What has become of instances since the batch before. */
export interface InstanceBatch {
  /** Connections as they are now; no more than 5,000 of them in one batch. */
  readonly present: readonly Instance[];
  /** Connections that have ended. */
  readonly gone: readonly string[];
}

/**
 * Where a process writes its instances, under the lease it holds in the {@link LeaseBook}. A replica writes into the
 * table of Postgres ({@link InstanceTable}). A process that cannot reach Postgres sends its batches, which are plain
 * JSON, to a replica, which writes them in its stead.
 */
export interface InstanceWriter {
  /** Writing the same twice does nothing twice. False when the lease has ended: register again, and write all again. */
  write(lease: string, batch: InstanceBatch): Promise<boolean>;
  /** Every instance of the process has been written under this lease. */
  complete(lease: string): Promise<void>;
}
