import type { LayerVersion } from './protocol.js';

/**
 * Where the config in use came from. A snapshot from the disk that the server has confirmed counts as the server's.
 */
export type ConfigSource = 'server' | 'disk' | 'bootstrap' | 'defaults';

/**
 * The connection, one state at a time:
 * - `idle`: not opened yet (and always, for an in-memory client that was taken offline).
 * - `connecting`: the socket is being opened.
 * - `subscribing`: connected; the server has not said yet whether the config is current.
 * - `live`: the server has answered; changes arrive as they are published.
 * - `waiting`: the connection was lost or could not be made; the next attempt comes after a random delay.
 * - `rejected`: the server will not have this client (a wrong or revoked key); it is tried again, slowly.
 * - `closed`: `close()` was called.
 */
export type ConnectionState = 'idle' | 'connecting' | 'subscribing' | 'live' | 'waiting' | 'rejected' | 'closed';

/** Something that is so or not, since when, and why. */
export interface Fact {
  /** Whether it is so. */
  readonly value: boolean;
  /** When it last became so or stopped being so. */
  readonly since: Date;
  /** A sentence for the operator. */
  readonly reason: string;
}

/**
 * How far a revision came that was not applied:
 * - `etag`: the content is not what its ETag says, or is malformed.
 * - `unseal`: it has secrets that the server could not give in clear text; the reason names them.
 * - `validate`: the service's own schema does not accept it.
 * - `prepare`: a resource could not be prepared for it. Tried again when the server next says it.
 */
export type RefusalStage = 'etag' | 'unseal' | 'validate' | 'prepare';

/** A revision that was not applied; the one before it stays in use. */
export interface Refusal {
  readonly revision: number;
  readonly etag: string;
  readonly stage: RefusalStage;
  /** The same sentence that the server was told. */
  readonly reason: string;
  readonly at: Date;
}

/** The copy on disk. */
export interface DiskStatus {
  readonly path: string;
  /** The revision last written by this process. */
  readonly savedRevision?: number;
  readonly savedAt?: Date;
  /** Why the last write or the read at start failed; absent when it succeeded. */
  readonly error?: string;
}

/** Everything there is to know about a client, at one moment. Plain data: fit for a health page or a log line. */
export interface ConfigStatus {
  readonly state: ConnectionState;
  /** The revision in use; 0 for a bootstrap file without one and for defaults. */
  readonly revision: number;
  /** ETag of the snapshot in use. */
  readonly etag: string;
  readonly source: ConfigSource;
  /** The layers the snapshot in use was merged from, weakest first. */
  readonly layers: readonly LayerVersion[];
  readonly appliedAt: Date;
  /** How far the server's log is known to have moved; at least `revision`. */
  readonly knownRevision: number;
  /** There is a config to read, from whatever source. */
  readonly ready: Fact;
  /** The server has delivered or confirmed the config in use at least once since the process started. */
  readonly synced: Fact;
  /** The config in use may not be the newest: there is no live connection, or the newest was refused. */
  readonly stale: Fact;
  /** The newest refusal that has not been followed by an applied revision. */
  readonly lastRefusal?: Refusal;
  /** Restart-only paths whose published value differs from the one in use. */
  readonly restartRequired: readonly string[];
  /** Absent when the disk copy is switched off. */
  readonly disk?: DiskStatus;
  /** The id under which the server lists this process. */
  readonly instanceId: string;
}
