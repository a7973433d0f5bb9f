import { eventually } from '../../../test/support/eventually';
import { CLIENT_KEY, startFeedServer, TARGET, type FeedServer } from '../testing/feed-server';
import { get } from '../testing/http-client';

const HEADERS = { authorization: `Bearer ${CLIENT_KEY}` };

let server: FeedServer;

beforeEach(async () => {
  server = await startFeedServer({ bookmarkIntervalMs: 20, maxWaitMs: 10_000 });
  server.source.publish(TARGET, { n: 1 });
});

afterEach(async () => {
  await eventually(() => expect(server.feed.counters.connections['long-poll']).toBe(0));
  await server.close();
});

const poll = (query: string, headers: Record<string, string> = {}, signal?: AbortSignal) =>
  get(`${server.url}/v1/config/production/orders?${query}`, { ...HEADERS, ...headers }, { signal });
const parked = () => eventually(() => expect(server.feed.counters.connections['long-poll']).toBe(1));

it('answers at once a client that has nothing, or something older', async () => {
  expect((await poll('wait=10s')).status).toBe(200);
  expect((await poll('wait=10s&revision=0')).status).toBe(200);
  expect((await poll('wait=10s', { 'if-none-match': '"other"' })).status).toBe(200);
});

it('answers when something changes, with the whole snapshot', async () => {
  const answer = poll('wait=10s&revision=1');
  await parked();
  const next = server.source.publish(TARGET, { n: 2 });
  expect(await answer).toMatchObject({ status: 200, body: next.body.toString(), headers: { etag: next.etag, 'trimtab-revision': '2' } });
});

it('goes by the ETag when there is one', async () => {
  const { etag } = await server.source.get(TARGET);
  const answer = poll('wait=10s&revision=1', { 'if-none-match': etag });
  await parked();
  server.source.publish({ service: 'billing', environment: 'base' }, {});
  const next = server.source.publish(TARGET, { n: 2 });
  expect((await answer).headers.etag).toBe(next.etag);
});

it('answers 304 with the position of the log when nothing has changed in time', async () => {
  const answer = poll('wait=400ms&revision=1');
  await parked();
  server.source.publish({ service: 'billing', environment: 'base' }, {});
  expect(await answer).toMatchObject({ status: 304, headers: { 'trimtab-revision': '2' } });
});

it('reaches a revision of another replica first', async () => {
  const next = server.source.publish(TARGET, { n: 2 }, 'written');
  const answer = poll('wait=10s&revision=2', { 'if-none-match': next.etag });
  await parked();
  server.source.publish(TARGET, { n: 3 });
  expect((await answer).headers['trimtab-revision']).toBe('3');
});

it('is bounded by the longest wait', async () => {
  await server.close();
  server = await startFeedServer({ maxWaitMs: 50 });
  server.source.publish(TARGET, { n: 1 });
  expect((await poll('wait=60m&revision=1')).status).toBe(304);
});

it('is answered 401 when the credential is revoked meanwhile', async () => {
  const answer = poll('wait=10s&revision=1');
  await parked();
  server.feed.revoke(() => false);
  const { status, body } = await answer;
  expect([status, JSON.parse(body)]).toMatchObject([401, { code: 'unauthenticated' }]);
});

it('is answered 304 when the server goes away', async () => {
  const answer = poll('wait=10s&revision=1');
  await parked();
  await server.feed.drain(0);
  expect((await answer).status).toBe(304);
});

it('is answered 304 at a moment within the time there is when the server asks its clients to move', async () => {
  const answers = Promise.all(Array.from({ length: 10 }, async () => {
    const { status } = await poll('wait=10s&revision=1');
    return { status, at: performance.now() };
  }));
  await eventually(() => expect(server.feed.counters.connections['long-poll']).toBe(10));
  const start = performance.now();
  await server.feed.drain(1_000);
  const seen = await answers;
  expect(seen.map(({ status }) => status)).toEqual(Array(10).fill(304));
  const times = seen.map(({ at }) => at - start);
  expect(Math.max(...times) - Math.min(...times)).toBeGreaterThan(100);
});

it('gets a large snapshot whole, compressed if it takes that', async () => {
  await server.close();
  server = await startFeedServer({ largeMessageBytes: 10_000 });
  server.source.publish(TARGET, { n: 1 });
  const answers = Promise.all(['identity', 'gzip'].map((coding) => poll('wait=10s&revision=1', { 'accept-encoding': coding })));
  await eventually(() => expect(server.feed.counters.connections['long-poll']).toBe(2));
  const next = server.source.publish(TARGET, { text: 'long'.repeat(100_000) });
  const [plain, compressed] = await answers;
  expect(plain!.body).toBe(next.body.toString());
  expect(compressed!.headers).toMatchObject({ 'content-encoding': 'gzip', etag: next.etag });
  expect(Number(compressed!.headers['content-length'])).toBeLessThan(10_000);
});

it('is forgotten when the client hangs up', async () => {
  const controller = new AbortController();
  const answer = poll('wait=10s&revision=1', {}, controller.signal).catch(() => undefined);
  await parked();
  controller.abort();
  await answer;
  await eventually(() => expect(server.feed.counters.connections['long-poll']).toBe(0));
});

it('refuses several ETags, of which the client can have but one', async () => {
  expect((await poll('wait=1s', { 'if-none-match': '"a", "b"' })).status).toBe(400);
});
