/**
 * What one client saw, in the order in which it saw it. `applied` is a snapshot or a delta the client took whole;
 * `noted` is a revision it learned of without content (`current`, `bookmark`); `connected` is where it said it stood
 * when it (re)connected, with neither for "nowhere"; `lost` is the end of a connection; `restored` is what a new process
 * took up from the disk copy of an earlier one.
 */
export type ClientEvent = { readonly client: string; readonly at: number } & (
  | { readonly type: 'connected'; readonly revision?: number; readonly etag?: string }
  | { readonly type: 'lost' }
  | { readonly type: 'restored'; readonly revision: number; readonly etag: string }
  | { readonly type: 'applied'; readonly how: 'snapshot' | 'delta'; readonly revision: number; readonly etag: string; readonly from?: string }
  | { readonly type: 'noted'; readonly how: 'current' | 'bookmark'; readonly revision: number }
);

/** One revision of the log as the publisher was told it: the ETag its target had from there on. */
export interface Published {
  readonly revision: number;
  readonly etag: string;
}

export interface Violation {
  readonly promise: 'ordered' | 'unique' | 'reliable' | 'atomic' | 'resumable' | 'bookmarkable';
  readonly client: string;
  readonly detail: string;
  /** The events that show it: the last one is the breach. */
  readonly evidence: readonly ClientEvent[];
}

interface ClientState {
  /** Of the last applied; 0 before the first. */
  revision: number;
  etag: string | undefined;
  known: number;
  /** The connection has not been answered yet. */
  unanswered: boolean;
  /** The events that made the state what it is. */
  because: readonly ClientEvent[];
}

const NOWHERE: ClientState = { revision: 0, etag: undefined, known: 0, unanswered: false, because: [] };

/**
 * Checks the histories of any number of clients of one target against the promises of `docs/guarantees.md`. `log` is
 * the target's history: the revisions that changed it, in order. `settled` are the clients that were still connected
 * when everything had come to rest: the ones that *reliable* is about.
 */
export function checkHistory(
  events: readonly ClientEvent[],
  log: readonly Published[],
  settled: Iterable<string> = new Set(events.map(({ client }) => client)),
): Violation[] {
  const violations: Violation[] = [];
  const clients = new Map<string, ClientState>();
  for (const event of events) {
    const state = clients.get(event.client) ?? { ...NOWHERE };
    clients.set(event.client, state);
    const evidence = [...state.because, event];
    violations.push(...checkEvent(event, state, log).map(([promise, detail]) => ({ promise, client: event.client, detail, evidence })));
    advance(event, state);
    state.because = [...state.because.filter(({ type }) => type !== event.type), event];
  }
  const last = log.at(-1);
  for (const client of last === undefined ? [] : settled) {
    const { etag, because } = clients.get(client) ?? NOWHERE;
    if (etag === last?.etag) continue;
    violations.push({ promise: 'reliable', client, evidence: because, detail: `ended at ${etag ?? 'nothing'}, while revision ${last?.revision} is ${last?.etag}` });
  }
  return violations;
}

type Finding = readonly [Violation['promise'], string];

function checkEvent(event: ClientEvent, state: ClientState, log: readonly Published[]): Finding[] {
  if (event.type === 'connected' || event.type === 'lost') return [];
  if (event.type === 'restored') return isPublished(event, log) ? [] : [['atomic', `took up revision ${event.revision} as ${event.etag}, which was never published`]];
  return event.type === 'applied' ? checkApplied(event, state, log) : checkNoted(event, state, log);
}

function checkApplied(event: ClientEvent & { type: 'applied' }, state: ClientState, log: readonly Published[]): Finding[] {
  const { revision, etag, from } = event;
  const findings: Finding[] = [];
  if (revision < state.revision) findings.push(['ordered', `applied ${revision} after ${state.revision}`]);
  if (revision === state.revision) findings.push(['unique', `applied ${revision} twice`]);
  else if (etag === state.etag) findings.push(['unique', `applied ${etag} at ${revision}, which it holds since ${state.revision}`]);
  if (revision <= state.known && revision > state.revision) {
    findings.push(['bookmarkable', `was told that nothing had changed up to ${state.known}, then applied ${revision}`]);
  }
  if (!isPublished(event, log)) {
    findings.push(['atomic', `applied revision ${revision} as ${etag}, which was never published`]);
  }
  if (event.how === 'delta' && from !== state.etag) findings.push(['resumable', `got a delta from ${from} while holding ${state.etag}`]);
  return findings;
}

function isPublished({ revision, etag }: { revision: number; etag: string }, log: readonly Published[]): boolean {
  return log.some((published) => published.revision === revision && published.etag === etag);
}

function checkNoted(event: ClientEvent & { type: 'noted' }, state: ClientState, log: readonly Published[]): Finding[] {
  const { revision, how } = event;
  const findings: Finding[] = [];
  if (how === 'current' && !state.unanswered) findings.push(['resumable', 'was told that it is current without having asked']);
  if (how === 'bookmark' && state.unanswered) findings.push(['resumable', 'got a bookmark before the answer to where it stands']);
  if (revision < state.known) findings.push(['ordered', `noted ${revision} after ${state.known}`]);
  const asOf = log.findLast((published) => published.revision <= revision);
  if (asOf !== undefined && asOf.etag !== state.etag) {
    findings.push(['bookmarkable', `was told that ${state.etag} is the newest as of ${revision}, which is ${asOf.etag}`]);
  }
  return findings;
}

function advance(event: ClientEvent, state: ClientState): void {
  if (event.type === 'connected') {
    // Who says that it has nothing begins anew, whatever an earlier life of it had.
    if (event.revision === undefined) Object.assign(state, NOWHERE);
    state.unanswered = true;
    return;
  }
  if (event.type === 'lost') return;
  if (event.type === 'restored') {
    Object.assign(state, NOWHERE, { revision: event.revision, etag: event.etag, known: event.revision });
    return;
  }
  state.unanswered = false;
  state.known = Math.max(state.known, event.revision);
  if (event.type !== 'applied') return;
  state.revision = Math.max(state.revision, event.revision);
  state.etag = event.etag;
}
