import { etagOf } from '@trimtab/client/protocol';
import type { ClientEvent } from '../support/feed-checker';
import type { PromiseName } from './checkers';
import type { LoggedRelease, LoggedRevision, Publish, Read, RunHistory } from './history';
import type { Random } from './random';

/** Breaks one promise in a history that kept it; undefined when this history offers no place for that. */
export interface Break {
  readonly promise: PromiseName;
  apply(history: RunHistory, random: Random): RunHistory | undefined;
}

type Applied = ClientEvent & { type: 'applied' };

/** One for every way in which a checker may find fault. */
export const BREAKS: Readonly<Record<string, Break>> = {
  'a client applies an older revision after a newer': {
    promise: 'ordered',
    apply: inClient((events) => {
      const applied = appliedIn(events);
      const [older, newer] = [applied.at(-2), applied.at(-1)];
      return older && newer && [...events, { ...older, at: newer.at + 1 }, { ...newer, at: newer.at + 2, how: 'snapshot' }];
    }),
  },
  'a client applies the same revision twice': {
    promise: 'unique',
    apply: inClient((events, random) => {
      const index = events.indexOf(random.pick(appliedIn(events)));
      return events.toSpliced(index, 0, events[index]!);
    }),
  },
  'a client misses the last change': {
    promise: 'reliable',
    apply: inClient((events) => (appliedIn(events).length < 2 ? undefined : events.slice(0, events.indexOf(appliedIn(events).at(-1)!)))),
  },
  'a client applies something that was never published': {
    promise: 'atomic',
    apply: inClient((events, random) => {
      const torn = random.pick(appliedIn(events));
      return events.with(events.indexOf(torn), { ...torn, etag: etagOf({ application: { format: 'json', value: { half: torn.revision } } }) });
    }),
  },
  'a client is sent a delta from what it does not have': {
    promise: 'resumable',
    apply: inClient((events) => {
      const delta = appliedIn(events).findLast(({ how }) => how === 'delta');
      return delta && events.with(events.indexOf(delta), { ...delta, from: '"other"' });
    }),
  },
  'a client is told that it is current without having asked': {
    promise: 'resumable',
    apply: inClient((events) => {
      const applied = appliedIn(events).at(-1)!;
      return events.toSpliced(events.indexOf(applied) + 1, 0, { client: applied.client, at: applied.at, type: 'noted', how: 'current', revision: applied.revision });
    }),
  },
  'a client is told that nothing has changed when something has': {
    promise: 'bookmarkable',
    apply: inClient((events) => {
      const applied = appliedIn(events).at(-1)!;
      const index = events.indexOf(applied);
      return index === 0 || events[index - 1]!.type === 'connected' ? undefined : events.toSpliced(index, 0, { client: applied.client, at: applied.at, type: 'noted', how: 'bookmark', revision: applied.revision });
    }),
  },
  'an idle client never hears how far the log has moved': {
    promise: 'bookmarkable',
    apply: (history) => {
      const head = history.log.at(-1)!.revision;
      const found = history.clients.findIndex(({ events }) => events.at(-1)?.type === 'noted' && events.some((event) => event.type === 'noted' && event.revision < head));
      if (found < 0) return undefined;
      return { ...history, clients: history.clients.map((client, index) => (index === found ? { ...client, events: client.events.slice(0, -1) } : client)) };
    },
  },
  'a process takes up a copy that was never applied': {
    promise: 'atomic',
    apply: inClient((events) => {
      const first = appliedIn(events)[0]!;
      return [{ client: `${first.client}/0`, at: 0, type: 'restored', revision: first.revision, etag: first.etag }, ...events];
    }),
  },
  'an acknowledged publish is not in the log': {
    promise: 'durable',
    apply: (history) => {
      const lost = history.publishes.findLast(({ outcome }) => outcome === 'acknowledged');
      return lost && { ...history, log: history.log.filter(({ revision }) => revision !== lost.revision) };
    },
  },
  'an acknowledged publish holds something else': {
    promise: 'durable',
    apply: withRelease((release) => ({ ...release, content: { [release.layer]: -1 } })),
  },
  'one revision answers two publishes': {
    promise: 'durable',
    apply: withPublish((publish, before) => ({ ...publish, revision: before.revision!, versions: {} })),
  },
  'a key still works after it was revoked': {
    promise: 'revocable',
    apply: (history) => ({ ...history, revoked: [...history.revoked, { server: 'replica-1', status: 200 }] }),
  },
  'a replica answers with something older than before': {
    promise: 'monotonic',
    apply: (history, random) => {
      const newer = history.reads.filter((read) => history.reads.some((other) => isBefore(other, read)));
      const read = newer.length === 0 ? undefined : random.pick(newer);
      const older = read && history.reads.find((other) => isBefore(other, read));
      return older && { ...history, reads: [...history.reads, { ...older, at: read!.at + 0.0001 }] };
    },
  },
  'a replica answers one revision in two ways': {
    promise: 'atomic',
    apply: (history, random) => {
      const read = random.pick(history.reads);
      return { ...history, reads: history.reads.with(history.reads.indexOf(read), { ...read, etag: '"half"' }) };
    },
  },
  'the log has a hole': {
    promise: 'log',
    apply: (history, random) => ({ ...history, log: history.log.toSpliced(1 + random.below(history.log.length - 2), 1) }),
  },
  'a layer lacks a version': {
    promise: 'log',
    apply: withRelease((release) => ({ ...release, version: release.version + 1 })),
  },
  'the log holds what nobody has published': {
    promise: 'log',
    apply: (history, random) => {
      const written = history.publishes.filter(({ n }) => n !== undefined);
      const forgotten = random.pick(written);
      return { ...history, publishes: history.publishes.filter((publish) => publish !== forgotten) };
    },
  },
  'a refused publish is in the log': {
    promise: 'log',
    apply: (history) => ({ ...history, publishes: history.publishes.map((publish) => (publish.n === undefined ? publish : { ...publish, outcome: 'refused' })) }),
  },
  'a publish that was retried is in the log twice': {
    promise: 'log',
    apply: (history) => {
      const last = history.log.findLast(({ releases }) => (releases[0]?.content?.[releases[0].layer] ?? 0) > 0);
      if (last === undefined) return undefined;
      const revision = history.log.length + 1;
      return { ...history, log: [...history.log, { ...last, revision, releases: last.releases.map((release) => ({ ...release, version: versionsOf(history, release.layer) + 1, includes: undefined })) } as LoggedRevision] };
    },
  },
  'a revision holds only a part of what was published': {
    promise: 'atomic',
    apply: (history) => {
      const whole = history.log.findLast(({ releases }) => releases.length > 1 && (releases[0]!.content?.[releases[0]!.layer] ?? 0) > 0);
      return whole && { ...history, log: history.log.map((revision) => (revision === whole ? { ...revision, releases: revision.releases.slice(0, -1) } : revision)) };
    },
  },
  'a later publish has the lower revision': {
    promise: 'log',
    apply: withPublish((publish, before) => ({ ...publish, sentAt: publish.at + 1_000, at: publish.at + 1_001, revision: before.revision! - 1, versions: {} })),
  },
  'a server ends with something else': {
    promise: 'equal',
    apply: (history, random) => ({ ...history, ends: history.ends.with(random.below(history.ends.length), { ...history.ends[0]!, etag: '"other"' }) }),
  },
  'a server ends behind the log': {
    promise: 'equal',
    apply: (history, random) => {
      const index = random.below(history.ends.length);
      return { ...history, ends: history.ends.with(index, { ...history.ends[index]!, asOf: history.ends[index]!.asOf - 1 }) };
    },
  },
  'a server takes no publish any more': {
    promise: 'recovered',
    apply: (history) => ({ ...history, recoveries: [{ server: 'replica-1', ok: false, detail: 'unavailable' }] }),
  },
  'a server ends by itself': {
    promise: 'alive',
    apply: (history) => ({ ...history, exits: [{ server: 'replica-1', detail: 'ended with 1' }] }),
  },
};

function appliedIn(events: readonly ClientEvent[]): Applied[] {
  return events.filter((event) => event.type === 'applied');
}

function inClient(change: (events: readonly ClientEvent[], random: Random) => readonly ClientEvent[] | undefined): Break['apply'] {
  return (history, random) => {
    const index = random.below(history.clients.length);
    const events = change(history.clients[index]!.events, random);
    return events && { ...history, clients: history.clients.map((client, place) => (place === index ? { ...client, events } : client)) };
  };
}

/** Changes the release of an acknowledged publish that wrote a number. */
function withRelease(change: (release: LoggedRelease) => LoggedRelease): Break['apply'] {
  return (history, random) => {
    const written = history.publishes.filter(({ outcome, n }) => outcome === 'acknowledged' && n !== undefined);
    if (written.length === 0) return undefined;
    const { revision } = random.pick(written);
    const log = history.log.map((logged) => (logged.revision === revision ? { ...logged, releases: [change(logged.releases[0]!), ...logged.releases.slice(1)] } : logged));
    return { ...history, log };
  };
}

/** Changes an acknowledged publish, given one that was acknowledged before it. */
function withPublish(change: (publish: Publish, before: Publish) => Publish): Break['apply'] {
  return (history) => {
    const [before, publish] = history.publishes.filter(({ outcome }) => outcome === 'acknowledged').slice(-2);
    return before && publish && { ...history, publishes: history.publishes.map((other) => (other === publish ? change(publish, before) : other)) };
  };
}

function isBefore(one: Read, other: Read): boolean {
  return one.server === other.server && one.target === other.target && one.at < other.at && one.revision < other.revision;
}

function versionsOf({ log }: RunHistory, layer: string): number {
  return Math.max(...log.flatMap(({ releases }) => releases.filter((release) => release.layer === layer).map(({ version }) => version)));
}
