import { checkHistory, type ClientEvent } from './support/feed-checker';

const LOG = [{ revision: 1, etag: '"a"' }, { revision: 3, etag: '"b"' }, { revision: 5, etag: '"c"' }];

type Told = ClientEvent extends infer Event ? (Event extends unknown ? Omit<Event, 'client' | 'at'> : never) : never;

const history = (...events: Told[]) => events.map((event, at) => ({ client: 'c', at, ...event }) as ClientEvent);
const applied = (revision: number, etag: string, from?: string): Told =>
  ({ type: 'applied', how: from === undefined ? 'snapshot' : 'delta', revision, etag, ...(from === undefined ? {} : { from }) });
const connected: Told = { type: 'connected' };
const noted = (how: 'current' | 'bookmark', revision: number): Told => ({ type: 'noted', how, revision });
const broken = (...events: Told[]) => checkHistory(history(...events), LOG).map(({ promise }) => promise);

it('finds nothing in a history that keeps every promise', () => {
  expect(
    broken(
      connected, applied(1, '"a"'), noted('bookmark', 2),
      { type: 'connected', revision: 2, etag: '"a"' }, noted('current', 2), applied(3, '"b"', '"a"'), noted('bookmark', 4),
      { type: 'connected', revision: 4, etag: '"b"' }, applied(5, '"c"', '"b"'),
      connected, applied(5, '"c"'),
    ),
  ).toEqual([]);
});

it.each<[string, string, Told[]]>([
  ['ordered', 'an older revision after a newer', [connected, applied(3, '"b"'), applied(1, '"a"'), applied(5, '"c"')]],
  ['unique', 'the same revision twice', [connected, applied(5, '"c"'), applied(5, '"c"')]],
  ['reliable', 'an end before the last revision', [connected, applied(3, '"b"')]],
  ['reliable', 'nothing ever applied', [connected]],
  ['atomic', 'content that was never published', [connected, applied(3, '"half"'), applied(5, '"c"')]],
  ['resumable', 'a delta from what the client does not have', [connected, applied(1, '"a"'), applied(5, '"c"', '"b"')]],
  ['resumable', '"current" without a question', [connected, applied(5, '"c"'), noted('current', 5)]],
  ['bookmarkable', 'a bookmark beyond a change', [connected, applied(1, '"a"'), noted('bookmark', 4), applied(5, '"c"')]],
  ['bookmarkable', 'a change at a revision that was said to hold none', [connected, applied(1, '"a"'), noted('bookmark', 3), applied(3, '"b"'), applied(5, '"c"')]],
])('finds a breach of %s: %s', (promise, _what, events) => {
  expect(broken(...events)).toContain(promise);
});
