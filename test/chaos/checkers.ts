import { checkHistory, type ClientEvent, type Violation } from '../support/feed-checker';
import type { FaultRecord, Publish, Read, RunHistory } from './history';
import { LogModel } from './log-model';

/**
 * The promises of docs/guarantees.md, and below them what else a run holds the servers to: `monotonic` (no process
 * answers with something older than it has answered), `log` (no holes, order, nothing invented), `equal` (all servers
 * end with the same), `recovered` (publishing works again through every one) and `alive` (no process ends by itself).
 */
export const PROMISES = [
  'ordered', 'unique', 'reliable', 'atomic', 'resumable', 'bookmarkable', 'durable', 'revocable',
  'monotonic', 'log', 'equal', 'recovered', 'alive',
] as const;

export type PromiseName = (typeof PROMISES)[number];

/** A promise that was broken, and the least of the history that shows it. */
export interface Breach {
  readonly promise: PromiseName;
  readonly subject: string;
  readonly detail: string;
  readonly evidence: readonly object[];
}

/** Every breach in a history. */
export function checkRun(history: RunHistory): Breach[] {
  const model = new LogModel(history.log);
  return [
    ...checkClients(history, model),
    ...checkPublishes(history.publishes, model),
    ...checkLog(history, model),
    ...checkReads(history.reads, model),
    ...checkEnds(history, model),
    ...history.recoveries.filter(({ ok }) => !ok).map(({ server, detail }) => breach('recovered', server, `does not publish after everything was healed: ${detail}`, [])),
    ...history.exits.map(({ server, detail }) => breach('alive', server, detail, [])),
    ...history.revoked.filter(({ status }) => status !== 401).map((answer) => breach('revocable', answer.server, `answers ${answer.status} to a key that was revoked`, [answer])),
  ];
}

function breach(promise: PromiseName, subject: string, detail: string, evidence: readonly object[]): Breach {
  return { promise, subject, detail, evidence };
}

/** What clients saw. Of a client process, only its last life is still there at the end. */
function checkClients({ clients }: RunHistory, model: LogModel): Breach[] {
  return clients.flatMap(({ name, target, events }) => {
    const log = model.published(target);
    const last = events.at(-1)?.client ?? name;
    const violations: Violation[] = checkHistory(events, log, [last]);
    return [
      ...violations.map(({ promise, client, detail, evidence }) => breach(promise, `${client} of ${target}`, detail, evidence)),
      ...checkBookmarks(events, last, target, model),
      ...checkCopies(name, events),
    ];
  });
}

/** A client that can say what it knows of the log has got to know of its end. */
function checkBookmarks(events: readonly ClientEvent[], client: string, target: string, model: LogModel): Breach[] {
  const noted = events.filter((event) => event.client === client && (event.type === 'noted' || event.type === 'applied'));
  if (!noted.some(({ type }) => type === 'noted')) return [];
  const known = Math.max(...noted.map((event) => ('revision' in event ? (event.revision ?? 0) : 0)));
  if (known >= model.head) return [];
  return [breach('bookmarkable', `${client} of ${target}`, `knows of revision ${known} only, while the log stands at ${model.head}`, noted.slice(-1))];
}

/** What a new process takes up from disk, an earlier one has applied. */
function checkCopies(name: string, events: readonly ClientEvent[]): Breach[] {
  return events.flatMap((event, index) => {
    if (event.type !== 'restored') return [];
    const applied = events.slice(0, index).some((earlier) => earlier.type === 'applied' && earlier.etag === event.etag);
    return applied ? [] : [breach('atomic', name, `took up a copy (${event.etag}) that no process of it had applied`, [event])];
  });
}

function checkPublishes(publishes: readonly Publish[], model: LogModel): Breach[] {
  const acknowledged = publishes.filter(({ outcome, revision }) => outcome === 'acknowledged' && revision !== undefined);
  const byRevision = new Map<number, Publish>();
  return [
    ...acknowledged.flatMap((publish) => checkAcknowledged(publish, model)),
    ...acknowledged.flatMap((publish) => {
      const other = byRevision.get(publish.revision!);
      byRevision.set(publish.revision!, publish);
      return other === undefined ? [] : [breach('durable', publish.publisher, `revision ${publish.revision} was the answer to two publishes`, [other, publish])];
    }),
    ...checkRealTime(acknowledged),
  ];
}

function checkAcknowledged(publish: Publish, model: LogModel): Breach[] {
  const { revision = 0, versions = {}, n, publisher } = publish;
  const missing = (detail: string): Breach[] => [breach('durable', publisher, detail, [publish])];
  return Object.entries(versions).flatMap(([layer, version]) => {
    const release = model.release(layer, revision);
    if (release === undefined) return missing(`revision ${revision} was acknowledged, and ${layer} has no release of it in the log`);
    if (release.version !== version) return missing(`${layer} was acknowledged as version ${version}, and is ${release.version} in the log`);
    if (n !== undefined && release.content?.[layer] !== n) return missing(`${layer} was acknowledged with ${n}, and the log has ${release.content?.[layer]}`);
    return [];
  });
}

/** A publish that was answered before another was sent has the lower revision. */
function checkRealTime(acknowledged: readonly Publish[]): Breach[] {
  const byAnswer = [...acknowledged].sort((one, other) => one.at - other.at);
  const bySending = [...acknowledged].sort((one, other) => one.sentAt - other.sentAt);
  const breaches: Breach[] = [];
  let highest: Publish | undefined;
  let answered = 0;
  for (const publish of bySending) {
    for (; byAnswer[answered] !== undefined && byAnswer[answered]!.at < publish.sentAt; answered += 1) {
      if (highest === undefined || byAnswer[answered]!.revision! > highest.revision!) highest = byAnswer[answered];
    }
    if (highest === undefined || highest.revision! < publish.revision!) continue;
    breaches.push(breach('log', publish.publisher, `revision ${publish.revision} was asked for after ${highest.revision} had been acknowledged`, [highest, publish]));
  }
  return breaches;
}

function checkLog({ log, publishes }: RunHistory, model: LogModel): Breach[] {
  const breaches: Breach[] = [];
  log.forEach((revision, index) => {
    const expected = (log[index - 1]?.revision ?? 0) + 1;
    if (revision.revision !== expected) breaches.push(breach('log', 'revisions', `after ${expected - 1} comes ${revision.revision}`, [...log.slice(Math.max(0, index - 1), index + 1)]));
  });
  for (const [layer, releases] of model.layers()) {
    releases.forEach((release, index) => {
      if (release.version !== index + 1) breaches.push(breach('log', layer, `version ${release.version} stands where ${index + 1} should`, releases.slice(Math.max(0, index - 1), index + 1)));
    });
  }
  return [...breaches, ...checkWritten(log, publishes)];
}

/** Every number in the log was asked for, by one publish that became one revision. */
function checkWritten(log: RunHistory['log'], publishes: readonly Publish[]): Breach[] {
  const asked = new Map(publishes.flatMap((publish) => (publish.n === undefined ? [] : [[publish.n, publish] as const])));
  const seen = new Map<number, number>();
  return log.flatMap(({ revision, kind, releases }) => {
    if (kind === 'rollback') return [];
    const before = new Set(seen.keys());
    return releases.flatMap((release) => {
      const n = release.content?.[release.layer];
      // A release that only changed its includes repeats the number that was there before; 0 is how a run begins.
      if (n === undefined || n === 0 || (release.includes !== undefined && before.has(n))) return [];
      seen.set(n, revision);
      const publish = asked.get(n);
      if (publish === undefined) return [breach('log', release.layer, `revision ${revision} holds ${n}, which nobody has published`, [{ revision, releases }])];
      if (publish.outcome === 'refused') return [breach('log', release.layer, `revision ${revision} holds ${n}, whose publish was refused`, [publish, { revision, releases }])];
      if (before.has(n)) return [breach('log', release.layer, `${n} was published once, and is revision ${revision} as well as an earlier one`, [publish, { revision, releases }])];
      const torn = publish.layers.filter((layer) => !releases.some((other) => other.layer === layer && other.content?.[layer] === n));
      return torn.length === 0 ? [] : [breach('atomic', release.layer, `revision ${revision} has ${n} in some of its layers, and not in ${torn.join(', ')}`, [publish, { revision, releases }])];
    });
  });
}

function checkReads(reads: readonly Read[], model: LogModel): Breach[] {
  const published = new Map<string, Set<string>>();
  const last = new Map<string, Read>();
  return [...reads].sort((one, other) => one.at - other.at).flatMap((read) => {
    const { server, target, revision, etag, asOf } = read;
    if (!published.has(target)) published.set(target, new Set(model.published(target).map((known) => `${known.revision} ${known.etag}`)));
    const place = `${server} ${target}`;
    const before = last.get(place);
    last.set(place, read);
    const breaches: Breach[] = [];
    if (!published.get(target)!.has(`${revision} ${etag}`)) {
      breaches.push(breach('atomic', server, `answered revision ${revision} of ${target} as ${etag}, which was never published`, [read]));
    }
    if (before !== undefined && (revision < before.revision || asOf < before.asOf)) {
      breaches.push(breach('monotonic', server, `answered ${target} as of ${asOf} (revision ${revision}) after ${before.asOf} (revision ${before.revision})`, [before, read]));
    }
    if (before !== undefined && revision === before.revision && etag !== before.etag) {
      breaches.push(breach('atomic', server, `answered revision ${revision} of ${target} in two ways`, [before, read]));
    }
    return breaches;
  });
}

function checkEnds({ ends }: RunHistory, model: LogModel): Breach[] {
  return ends.flatMap((end) => {
    const expected = model.snapshot(end.target, model.head);
    if (end.asOf !== model.head) return [breach('equal', end.server, `stands at ${end.asOf}, while the log stands at ${model.head}`, [end])];
    return end.etag === expected.etag ? [] : [breach('equal', end.server, `ends with ${end.etag} for ${end.target}, which is ${expected.etag}`, [end, { ...expected, target: end.target }])];
  });
}

/** The faults that were going on while the evidence came about. */
export function faultsAround(evidence: readonly object[], faults: readonly FaultRecord[]): FaultRecord[] {
  const times = evidence.flatMap((event) => ('at' in event && typeof event.at === 'number' ? [event.at] : []));
  if (times.length === 0) return [];
  const [from, to] = [Math.min(...times) - 2_000, Math.max(...times)];
  return faults.filter((fault) => fault.from <= to && fault.to >= from);
}
