import type { ClientEvent } from '../support/feed-checker';

/** What a revision did to one layer. `content` is the main document's value, absent when the release has none. */
export interface LoggedRelease {
  readonly layer: string;
  readonly version: number;
  readonly content?: Readonly<Record<string, number>>;
  readonly includes?: readonly { readonly service: string; readonly revision?: number }[];
}

export interface LoggedRevision {
  readonly revision: number;
  readonly kind: string;
  readonly releases: readonly LoggedRelease[];
}

/** One publish as its publisher saw it. */
export interface Publish {
  readonly publisher: string;
  readonly action: 'change' | 'write' | 'pin' | 'rollback-layer' | 'rollback-revision';
  /** What was asked for: the number that was written to these layers. Of a rollback there is none. */
  readonly n?: number;
  readonly layers: readonly string[];
  /** `unknown`: no answer came, or none that says what became of it. */
  readonly outcome: 'acknowledged' | 'refused' | 'unknown';
  /** With what it was answered. */
  readonly revision?: number;
  readonly versions?: Readonly<Record<string, number>>;
  readonly server: string;
  readonly sentAt: number;
  readonly at: number;
  readonly detail?: string;
}

/** One answer of one process to a plain read. */
export interface Read {
  /** The process, with a number that grows when it is started again: `replica-1/2`. */
  readonly server: string;
  readonly target: string;
  readonly at: number;
  readonly revision: number;
  readonly etag: string;
  /** The position in the log that the answer says it is as of. */
  readonly asOf: number;
}

export interface ClientHistory {
  readonly name: string;
  readonly target: string;
  readonly events: readonly ClientEvent[];
}

export interface FaultRecord {
  readonly kind: string;
  readonly what: string;
  readonly from: number;
  readonly to: number;
}

/** Where a server stood when everything had come to rest. */
export interface End {
  readonly server: string;
  readonly target: string;
  readonly asOf: number;
  readonly etag: string;
}

/** Everything that a run has seen: all that the checkers look at. */
export interface RunHistory {
  readonly log: readonly LoggedRevision[];
  readonly clients: readonly ClientHistory[];
  readonly publishes: readonly Publish[];
  readonly reads: readonly Read[];
  readonly faults: readonly FaultRecord[];
  readonly ends: readonly End[];
  /** Publishes that were made through each server after everything was healed. */
  readonly recoveries: readonly { readonly server: string; readonly ok: boolean; readonly detail: string }[];
  /** Processes that ended although nobody had ended them. */
  readonly exits: readonly { readonly server: string; readonly detail: string }[];
  /** What each server answers to keys that were revoked. */
  readonly revoked: readonly { readonly server: string; readonly status: number }[];
}

/** The history as JSON Lines in the order of time, each line with what it is. */
export function linesOf(history: RunHistory): string {
  const timed: { at: number; line: object }[] = [
    ...history.clients.flatMap(({ target, events }) => events.map((event) => ({ at: event.at, line: { what: 'client', target, ...event } }))),
    ...history.publishes.map((publish) => ({ at: publish.at, line: { what: 'publish', ...publish } })),
    ...history.reads.map((read) => ({ at: read.at, line: { what: 'read', ...read } })),
    ...history.faults.map((fault) => ({ at: fault.from, line: { what: 'fault', kind: fault.kind, hit: fault.what, from: fault.from, to: fault.to } })),
  ];
  timed.sort((one, other) => one.at - other.at);
  const untimed = [
    ...history.log.map((revision) => ({ what: 'log', ...revision })),
    ...history.ends.map((end) => ({ what: 'end', ...end })),
    ...history.recoveries.map((recovery) => ({ what: 'recovery', ...recovery })),
    ...history.exits.map((exit) => ({ what: 'exit', ...exit })),
    ...history.revoked.map((revoked) => ({ what: 'revoked', ...revoked })),
  ];
  return [...timed.map(({ line }) => line), ...untimed].map((line) => `${JSON.stringify(line)}\n`).join('');
}
