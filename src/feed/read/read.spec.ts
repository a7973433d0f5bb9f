import { gunzipSync } from 'node:zlib';
import { ADMIN, CLIENT_KEY, FOREIGN_KEY, startFeedServer, TARGET, type FeedServer } from '../testing/feed-server';
import { get, getBytes } from '../testing/http-client';
import type { FeedSnapshot } from '../snapshot-source';

const AS_ADMIN = { authorization: `Bearer ${ADMIN}` };
const AS_CLIENT = { authorization: `Bearer ${CLIENT_KEY}` };
const PATH = '/v1/config/production/orders';

let server: FeedServer;
let snapshot: FeedSnapshot;

beforeEach(async () => {
  server = await startFeedServer();
  snapshot = server.source.publish(TARGET, { n: 1, text: 'ü' });
  server.source.publish({ service: 'billing', environment: 'base' }, {});
});

afterEach(() => server.close());

const read = (path = PATH, headers: Record<string, string> = AS_CLIENT, method = 'GET') => get(server.url + path, headers, { method });

describe.each([['cold', false], ['warm', true]])('given a %s snapshot', (_name, warm) => {
  beforeEach(async () => {
    if (warm) expect((await read()).status).toBe(200);
  });

  it('answers with the snapshot, its ETag, and the log revision it is as of', async () => {
    const { status, headers, body } = await read();
    expect(status).toBe(200);
    expect(body).toBe(snapshot.body.toString());
    expect(headers).toMatchObject({
      etag: snapshot.etag,
      'trimtab-revision': '2',
      'content-type': 'application/json',
      'content-length': String(snapshot.body.length),
      'cache-control': 'private, no-cache',
      'x-request-id': expect.any(String),
    });
  });

  it.each([['the same', '%'], ['a weak one', 'W/%'], ['one of several', '"x", %'], ['any', '*']])('answers 304 to If-None-Match with %s', async (_what, value) => {
    const { status, headers, body } = await read(PATH, { ...AS_CLIENT, 'if-none-match': value.replace('%', snapshot.etag) });
    expect([status, body, headers.etag, headers['trimtab-revision']]).toEqual([304, '', snapshot.etag, '2']);
  });

  it('answers in full to If-None-Match with another ETag', async () => {
    expect((await read(PATH, { ...AS_CLIENT, 'if-none-match': '"x"' })).status).toBe(200);
  });

  it('answers HEAD without the body', async () => {
    const { status, headers, body } = await read(PATH, AS_CLIENT, 'HEAD');
    expect([status, body, headers['content-length']]).toEqual([200, '', String(snapshot.body.length)]);
  });

  it('answers compressed who takes that, and only when it is worth it', async () => {
    const gzip = { ...AS_CLIENT, 'accept-encoding': 'br, gzip;q=0.5' };
    expect((await read(PATH, gzip)).headers).not.toHaveProperty('content-encoding');
    const large = server.source.publish(TARGET, { text: 'long'.repeat(1_000) });
    const bodies = await Promise.all(Array.from({ length: 3 }, () => getBytes(server.url + PATH, gzip)));
    for (const { headers, bytes } of bodies) {
      expect(headers).toMatchObject({ 'content-encoding': 'gzip', etag: large.etag, vary: 'Accept, Accept-Encoding, Authorization' });
      expect(gunzipSync(bytes).equals(large.body)).toBe(true);
    }
    for (const coding of ['identity', 'gzip;q=0', 'br', '*', 'gzipped']) {
      const { headers, body } = await read(PATH, { ...AS_CLIENT, 'accept-encoding': coding });
      expect([coding, headers['content-encoding'], body]).toEqual([coding, undefined, large.body.toString()]);
    }
    expect((await read(PATH, { ...gzip, 'if-none-match': large.etag })).status).toBe(304);
  });

  it('repeats the request id of the caller', async () => {
    expect((await read(PATH, { ...AS_CLIENT, 'x-request-id': 'abc-1' })).headers['x-request-id']).toBe('abc-1');
  });

  it.each<[string, Record<string, string>, number, string]>([
    ['no credential', {}, 401, 'unauthenticated'],
    ['an unknown one', { authorization: 'Bearer nonsense' }, 401, 'unauthenticated'],
    ['another scheme', { authorization: `Basic ${CLIENT_KEY}` }, 401, 'unauthenticated'],
    ['a foreign key', { authorization: `Bearer ${FOREIGN_KEY}` }, 403, 'forbidden'],
  ])('refuses %s', async (_name, headers, status, code) => {
    for (const path of [PATH, `${PATH}/application`, `${PATH}?wait=1s`, `${PATH}?origin=true`, `${PATH}?asOf=1`]) {
      const answer = await read(path, headers);
      expect([path, answer.status, answer.headers['content-type']]).toEqual([path, status, 'application/problem+json']);
      expect(JSON.parse(answer.body)).toMatchObject({ code, status, detail: expect.any(String) });
      expect(answer.body).not.toContain(snapshot.etag);
    }
    const stream = await read(PATH, { ...headers, accept: 'text/event-stream' });
    expect(stream.status).toBe(status);
  });

  it('sees a revocation at once', async () => {
    server.authenticator.credentials.delete(CLIENT_KEY);
    expect((await read()).status).toBe(401);
  });

  it('never answers with what the log knows to be stale', async () => {
    const next = server.source.publish(TARGET, { n: 2 }, 'seen');
    expect((await read()).headers.etag).toBe(next.etag);
  });
});

it.each([
  ['?unknown=1'], ['?revision=x'], ['?revision=-1'], ['?revision=1&revision=2'], ['?wait=soon'], ['?wait='], ['?origin=maybe'],
  ['?asOf=1&wait=1s'], ['?asOf=1&revision=1'], ['?origin=true&asOf=1'], ['?deltas=1'], ['?__proto__=1'], ['?constructor=1'],
  ['?revision=99999999999999999999'],
])('refuses the query %s', async (query) => {
  const { status, body } = await read(PATH + query);
  expect(status).toBe(400);
  expect(JSON.parse(body)).toMatchObject({ code: 'malformed_request' });
});

it.each(['/v1/config/Production/orders', '/v1/config/production/-', '/v1/config/production/a%00b', '/v1/config/%2e%2e/orders', '/v1/config/production/%F0%9F%9A%80', `/v1/config/production/${'a'.repeat(64)}`])(
  'refuses the name in %s',
  async (path) => {
    const { status, body } = await read(path, AS_ADMIN);
    expect([status, (JSON.parse(body) as { code: string }).code]).toEqual([400, 'malformed_request']);
  },
);

it('answers 404 for what does not exist', async () => {
  const { status, body } = await read('/v1/config/production/nobody', AS_ADMIN);
  expect([status, (JSON.parse(body) as { code: string }).code]).toEqual([404, 'service_not_found']);
});

it('reads as of an earlier revision', async () => {
  server.source.publish(TARGET, { n: 2 });
  const { headers, body } = await read(`${PATH}?asOf=1`);
  expect([body, headers['trimtab-revision']]).toEqual([snapshot.body.toString(), '1']);
  expect((await read(`${PATH}?asOf=99`)).status).toBe(404);
});

it('waits for a revision that another replica has published', async () => {
  const next = server.source.publish(TARGET, { n: 2 }, 'written');
  expect((await read(`${PATH}?revision=3`)).headers.etag).toBe(next.etag);
  expect((await read(`${PATH}?revision=99`)).status).toBe(503);
});

it('explains every key', async () => {
  const { status, body } = await read(`${PATH}?origin=true`);
  expect([status, JSON.parse(body)]).toEqual([200, { explained: 'orders@production' }]);
});

describe('one document', () => {
  it('comes in its own format with its own ETag', async () => {
    const { status, headers, body } = await read(`${PATH}/application`);
    expect([status, body, headers['content-type']]).toEqual([200, '{"n":1,"text":"ü"}', 'application/json']);
    expect((await read(`${PATH}/application`, { ...AS_CLIENT, 'if-none-match': String(headers.etag) })).status).toBe(304);
  });

  it('is 404 when there is none of that name', async () => {
    for (const name of ['nope', '__proto__', 'constructor']) {
      const { status, body } = await read(`${PATH}/${name}`);
      expect([status, (JSON.parse(body) as { code: string }).code]).toEqual([404, 'document_not_found']);
    }
  });

  it.each(['%2e%2e', 'a%2fb', '.hidden', 'a%00'])('is refused by the name %s', async (name) => {
    expect((await read(`${PATH}/${name}`)).status).toBe(400);
  });

  it('takes no wait', async () => {
    expect((await read(`${PATH}/application?wait=1s`)).status).toBe(400);
  });
});
