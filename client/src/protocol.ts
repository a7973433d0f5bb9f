/**
 * The wire types between the server and its clients. The server imports them from here, so that there is one copy.
 *
 * A client subscribes to one target (a service in an environment). The server answers with exactly one of
 * {@link CurrentMessage}, {@link DeltaMessage} or {@link SnapshotMessage}, and then sends a message whenever the
 * snapshot changes and, now and then, a {@link BookmarkMessage}; before it goes away, a {@link MoveMessage}. Every
 * transport carries the same messages.
 */
export * from './canonical-json.js';
export * from './json-patch.js';

import type { JsonValue } from './canonical-json.js';
import type { JsonPatchOperation } from './json-patch.js';

/** Sent in the handshake; a server that does not speak it refuses the connection with `malformed_request`. */
export const PROTOCOL_VERSION = 1;

/** Name of the one socket.io event the server sends. Its argument is a {@link FeedMessage}. */
export const FEED_EVENT = 'feed';
/** socket.io event by which a client tells its {@link Position} again and asks to be brought up to date. */
export const SUBSCRIBE_EVENT = 'subscribe';
/** socket.io event by which a client tells what it did with a snapshot: a {@link Report}. */
export const REPORT_EVENT = 'report';

export type StructuredFormat = 'json' | 'yaml' | 'toml' | 'properties';

/** One document as a client receives it: the parsed value, or the text of a document without structure. */
export type DocumentContent =
  | { readonly format: StructuredFormat; readonly value: JsonValue }
  | { readonly format: 'text'; readonly text: string };

export type Documents = { readonly [name: string]: DocumentContent };

/** A layer that contributes to a snapshot, in the version that was merged. */
export interface LayerVersion {
  readonly service: string;
  readonly environment: string;
  readonly version: number;
  readonly revision: number;
}

/** Where a client stands: the highest revision it knows of, and the ETag of what it has applied. */
export interface Position {
  readonly revision: number;
  readonly etag: string;
}

/** A place in a document: the document's name, and an RFC 6901 pointer. */
export type ValuePlace = readonly [document: string, pointer: string];

/**
 * Why a sealed value is not in clear text: `not_revealed`, this credential is not shown it (client keys are);
 * `master_key_missing`, the server lacks the key; `unknown_key`, there is no such key in this installation; `unavailable`,
 * the key cannot be had right now; `damaged`, it was changed, or sealed for another layer.
 */
export type UnreadableReason = 'not_revealed' | 'master_key_missing' | 'unknown_key' | 'unavailable' | 'damaged';

/** A sealed value that could not be opened. In the documents its sealed text stands in its place. */
export interface UnreadableValue {
  readonly document: string;
  readonly path: string;
  readonly reason: UnreadableReason;
}

/** What a snapshot with sealed values says about them. All absent when it has none. */
export interface SecretsNote {
  /** Goes into the ETag: see {@link etagOf}. */
  readonly salt?: string;
  /** Where secrets stand: not to be logged, nor kept where others can read. */
  readonly secrets?: readonly ValuePlace[];
  /** Secrets that are not in clear text. A client that needs them does not apply such a snapshot. */
  readonly unreadable?: readonly UnreadableValue[];
}

/** The whole snapshot. `etag` is {@link etagOf}`(documents, salt)`; the client checks it before it applies. */
export interface SnapshotMessage extends SecretsNote {
  readonly type: 'snapshot';
  readonly revision: number;
  readonly etag: string;
  /** Weakest first. */
  readonly layers: readonly LayerVersion[];
  readonly documents: Documents;
}

/**
 * What changed since the snapshot whose ETag is `from`: an RFC 6902 patch against `documents`. Sent only when it is
 * smaller than the snapshot. A client that does not hold `from`, or whose result has another ETag, subscribes again
 * without a position and gets the whole.
 */
export interface DeltaMessage extends SecretsNote {
  readonly type: 'delta';
  readonly from: string;
  readonly revision: number;
  readonly etag: string;
  readonly layers: readonly LayerVersion[];
  readonly patch: readonly JsonPatchOperation[];
}

/** Answer to a subscription: the position's ETag is the newest as of `revision` (a position in the log). */
export interface CurrentMessage {
  readonly type: 'current';
  readonly revision: number;
}

/** The log has moved to `revision` without touching this snapshot. */
export interface BookmarkMessage {
  readonly type: 'bookmark';
  readonly revision: number;
}

/**
 * The process is going away soon, and goes on serving this connection until then. The client finishes what it is at,
 * leaves at a random moment within `withinMs`, and connects again at once. Sent once, after the answer to the
 * subscription; who stays longer is disconnected.
 */
export interface MoveMessage {
  readonly type: 'move';
  readonly withinMs: number;
}

/**
 * The server ends the subscription: the credential was revoked (`retry: false`), or something came between (`retry:
 * true`; the client reconnects after a random part of `withinMs`, or of its own back-off when none is given).
 */
export interface ClosingMessage {
  readonly type: 'closing';
  readonly code: string;
  readonly detail: string;
  readonly retry: boolean;
  readonly withinMs?: number;
}

export type FeedMessage = SnapshotMessage | DeltaMessage | CurrentMessage | BookmarkMessage | MoveMessage | ClosingMessage;

/** Who connects, as the operator sees it in the list of instances. */
export interface InstanceInfo {
  /** Unique per running process; the client makes one when none is given. */
  readonly id: string;
  readonly host?: string;
  /** Name and version of the client library, e.g. `@trimtab/client 0.1.0`. */
  readonly library?: string;
  readonly labels?: { readonly [name: string]: string };
}

/** `auth` of the socket.io handshake. */
export interface Handshake {
  readonly protocol: typeof PROTOCOL_VERSION;
  /** A client key (or an administrator token). */
  readonly key: string;
  readonly service: string;
  readonly environment: string;
  readonly instance?: InstanceInfo;
  /** Absent: send the whole snapshot. */
  readonly since?: Position;
}

/** `data` of the `connect_error` with which the server refuses a handshake; the codes are those of the REST API. */
export interface ConnectErrorData {
  readonly code: string;
  readonly detail: string;
  /** False: trying again with the same handshake cannot succeed. */
  readonly retry: boolean;
}

/**
 * What a client did with a revision. `heldMs` is how long ago it was applied, by the client's monotonic clock, when the
 * report was held back so that a fleet does not report in one instant.
 */
export type Report =
  | { readonly state: 'applied'; readonly revision: number; readonly etag: string; readonly heldMs?: number }
  | { readonly state: 'refused'; readonly revision: number; readonly etag: string; readonly reason: string };

/** Events a client sends. */
export interface ClientEvents {
  subscribe: (since: Position | null) => void;
  report: (report: Report) => void;
}

/** Events the server sends. */
export interface ServerEvents {
  feed: (message: FeedMessage) => void;
}
