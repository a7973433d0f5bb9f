import { judge, type KnownLog, type LogFacts } from './log-continuity';

const KNOWN: KnownLog = { identity: 'a', position: 150, mark: { revision: 150, text: 'noon' } };
const FACTS: LogFacts = { identity: 'a', head: 150, seen: 0, markText: 'noon', recoveries: [] };
const recovery = (at: number) => ({ at, after: 100 });

it.each<[string, KnownLog | undefined, Partial<LogFacts>]>([
  ['for a process that has seen nothing', undefined, { identity: 'b', head: 3 }],
  ['where it stands', KNOWN, {}],
  ['further on', KNOWN, { head: 170 }],
  ['after a recovery long ago', KNOWN, { head: 170, seen: 120, recoveries: [recovery(121)] }],
  ['from a position whose mark was never read', { ...KNOWN, mark: undefined }, { markText: null }],
])('follows a log that goes on %s', (_what, known, facts) => {
  expect(judge(known, { ...FACTS, ...facts })).toBe('follows');
});

it.each<[string, KnownLog | undefined, Partial<LogFacts>, string, number]>([
  ['ends earlier', KNOWN, { head: 100, markText: null }, 'shorter', 150],
  ['has grown past the position in another way', KNOWN, { head: 160, markText: 'midnight' }, 'rewritten', 150],
  ['is another one', KNOWN, { identity: 'b', head: 500 }, 'other', 150],
  ['is another one, whatever was recovered there', KNOWN, { identity: 'b', head: 500, recoveries: [recovery(400)] }, 'other', 150],
  ['ends before what another process has seen', undefined, { head: 100, seen: 140 }, 'shorter', 140],
  ['was recovered below what this process has seen', KNOWN, { head: 145, markText: null, recoveries: [recovery(141)] }, 'shorter', 150],
  ['was recovered below it and has grown past it', KNOWN, { head: 155, markText: null, recoveries: [recovery(141)] }, 'rewritten', 150],
  ['was recovered, and then restored again', KNOWN, { head: 100, seen: 150, markText: null }, 'shorter', 150],
])('does not follow a log that %s', (_what, known, facts, reason, seen) => {
  expect(judge(known, { ...FACTS, ...facts })).toEqual({ reason, head: { ...FACTS, ...facts }.head, seen });
});

it.each<[string, Partial<LogFacts>]>([
  ['shorter', { head: 151, seen: 150, markText: null, recoveries: [recovery(151)] }],
  ['rewritten', { head: 160, markText: 'midnight', recoveries: [recovery(155)] }],
])('follows again, from nothing, once what was %s has been recovered above it', (_what, facts) => {
  expect(judge(KNOWN, { ...FACTS, ...facts })).toBe('recovered');
});
