import type { ClientEvent } from '../support/feed-checker';
import { INCLUDES, LAYERS, TARGETS } from './catalog';
import type { ClientHistory, LoggedRelease, LoggedRevision, Publish, Read, RunHistory } from './history';
import { LogModel } from './log-model';
import { Random } from './random';

const PUBLISHES = 25;
const READS = 80;
/** Revision r was committed at r times this. */
const STEP_MS = 10;

/** A history that keeps every promise, made up from a seed: what the checkers are checked with. */
export function madeHistory(seed: number): RunHistory {
  const random = new Random(seed);
  const { log, publishes } = madeLog(random.fork('log'));
  const model = new LogModel(log);
  const servers = ['replica-1', 'replica-2'];
  return {
    log,
    publishes,
    clients: TARGETS.map((target, index) => madeClient(`client-${index + 1}`, target, model, random.fork(target))),
    reads: servers.flatMap((server) => madeReads(`${server}/1`, model, random.fork(server))),
    faults: [],
    ends: servers.flatMap((server) => TARGETS.map((target) => ({ server, target, asOf: model.head, etag: model.snapshot(target, model.head).etag }))),
    recoveries: servers.map((server) => ({ server, ok: true, detail: '' })),
    exits: [],
    revoked: servers.map((server) => ({ server, status: 401 })),
  };
}

function madeLog(random: Random): { log: LoggedRevision[]; publishes: Publish[] } {
  const heads = new Map<string, LoggedRelease>();
  const log: LoggedRevision[] = [];
  const publishes: Publish[] = [];
  const append = (kind: string, changes: readonly Omit<LoggedRelease, 'version'>[]): LoggedRevision => {
    const releases = changes.map((change) => ({ ...heads.get(change.layer), ...change, version: (heads.get(change.layer)?.version ?? 0) + 1 }));
    for (const release of releases) heads.set(release.layer, release);
    const revision = { revision: log.length + 1, kind, releases };
    log.push(revision);
    return revision;
  };
  for (const [service, included] of Object.entries(INCLUDES)) append('publish', [{ layer: `${service}@base`, includes: included.map((name) => ({ service: name })) }]);
  for (const layer of LAYERS) append('publish', [{ layer, content: { [layer]: 0 } }]);
  for (let n = 1; n <= PUBLISHES; n += 1) {
    const layers = random.shuffled(LAYERS).slice(0, 1 + random.below(LAYERS.length));
    const pins = random.next() < 0.15;
    const pin = { service: 'common', revision: 1 + random.below(log.length) };
    const { revision, releases } = pins
      ? append('publish', [{ layer: 'orders@production', includes: [pin] }])
      : append('publish', layers.map((layer) => ({ layer, content: { [layer]: n } })));
    publishes.push({
      publisher: 'publisher-1',
      action: pins ? 'pin' : 'change',
      ...(pins ? {} : { n }),
      layers: releases.map(({ layer }) => layer),
      outcome: random.next() < 0.9 ? 'acknowledged' : 'unknown',
      revision,
      versions: Object.fromEntries(releases.map(({ layer, version }) => [layer, version])),
      server: 'replica-1/1',
      sentAt: revision * STEP_MS - 4,
      at: revision * STEP_MS + 1,
    });
  }
  return { log, publishes };
}

function madeClient(name: string, target: string, model: LogModel, random: Random): ClientHistory {
  const events: ClientEvent[] = [];
  let held: { revision: number; etag: string } | undefined;
  const start = 14 + random.below(5);
  for (let position = start; position <= model.head; position += 1) {
    const base = { client: name, at: position * STEP_MS + 2 + random.below(5) };
    const isLast = position === model.head;
    if (!isLast && random.next() < 0.3) continue;
    const snapshot = model.snapshot(target, position);
    const reconnects = held === undefined || random.next() < 0.2;
    if (reconnects) events.push({ ...base, type: 'connected', ...held });
    if (held === undefined || snapshot.etag !== held.etag) {
      const how = held === undefined || random.next() < 0.5 ? ({ how: 'snapshot' } as const) : ({ how: 'delta', from: held.etag } as const);
      events.push({ ...base, type: 'applied', ...how, revision: snapshot.revision, etag: snapshot.etag });
      held = { revision: snapshot.revision, etag: snapshot.etag };
      if (isLast && snapshot.revision < position) events.push({ ...base, type: 'noted', how: 'bookmark', revision: position });
    } else {
      events.push({ ...base, type: 'noted', how: reconnects ? 'current' : 'bookmark', revision: position });
      held = { revision: position, etag: held.etag };
    }
  }
  return { name, target, events };
}

function madeReads(server: string, model: LogModel, random: Random): Read[] {
  const positions = Array.from({ length: READS }, () => 14 + random.below(model.head - 13)).sort((one, other) => one - other);
  return positions.map((position, index) => {
    const target = random.pick(TARGETS);
    const { revision, etag } = model.snapshot(target, position);
    return { server, target, at: position * STEP_MS + index / READS, revision, etag, asOf: position };
  });
}
