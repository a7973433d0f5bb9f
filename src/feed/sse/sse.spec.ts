import { connect, type Socket } from 'node:net';
import { eventually } from '../../../test/support/eventually';
import { CLIENT_KEY, startFeedServer, TARGET, type FeedServer } from '../testing/feed-server';
import { get, StreamReader } from '../testing/http-client';

const HEADERS = { authorization: `Bearer ${CLIENT_KEY}` };
const PATH = '/v1/config/production/orders';
const LONG = 'a text that is long enough for a delta to be worth it, and then some more of it';

let server: FeedServer;
const streams: StreamReader[] = [];
const sockets: Socket[] = [];

beforeEach(async () => {
  server = await startFeedServer({ bookmarkIntervalMs: 50, heartbeatMs: 100_000 });
  server.source.publish(TARGET, { n: 1, LONG });
});

afterEach(async () => {
  for (const stream of streams.splice(0)) stream.close();
  for (const socket of sockets.splice(0)) socket.destroy();
  await eventually(() => expect(server.feed.counters.connections.sse).toBe(0));
  await server.close();
});

function open(headers: Record<string, string> = {}, query = ''): StreamReader {
  const stream = new StreamReader(server.url + PATH + query, { ...HEADERS, ...headers });
  streams.push(stream);
  return stream;
}

const types = ({ events }: StreamReader) => events.map(({ event }) => event);

it('streams the snapshot, what changes, and how far the log has moved, each with where the client stands then', async () => {
  const stream = open();
  await eventually(() => expect(types(stream)).toEqual(['snapshot']));
  const next = server.source.publish(TARGET, { n: 2, LONG });
  await eventually(() => expect(types(stream)).toEqual(['snapshot', 'delta']));
  server.source.publish({ service: 'billing', environment: 'base' }, {});
  await eventually(() => expect(types(stream)).toEqual(['snapshot', 'delta', 'bookmark']));
  expect(stream.status).toBe(200);
  expect(stream.headers).toMatchObject({ 'content-type': 'text/event-stream', 'cache-control': 'no-store', connection: 'close' });
  expect(stream.headers).not.toHaveProperty('transfer-encoding');
  expect(stream.events.map(({ id }) => id)).toEqual([expect.stringMatching(/^1:"/), `2:${next.etag}`, `3:${next.etag}`]);
  expect(stream.events[1]?.data).toMatchObject({ type: 'delta', revision: 2, etag: next.etag });
});

it('is taken up again where it ended', async () => {
  const first = open();
  await eventually(() => expect(types(first)).toEqual(['snapshot']));
  first.close();
  const lastEventId = String(first.events[0]?.id);
  const current = open({ 'last-event-id': lastEventId });
  await eventually(() => expect(types(current)).toEqual(['current']));
  expect(current.events[0]?.id).toBe(lastEventId);
  server.source.publish(TARGET, { n: 2, LONG });
  const behind = open({ 'last-event-id': lastEventId });
  await eventually(() => expect(types(behind)).toEqual(['delta']));
});

it('sends only whole snapshots to who asks for that', async () => {
  const stream = open({}, '?deltas=false');
  await eventually(() => expect(types(stream)).toEqual(['snapshot']));
  server.source.publish(TARGET, { n: 2, LONG });
  await eventually(() => expect(types(stream)).toEqual(['snapshot', 'snapshot']));
});

it('beats while there is nothing to say', async () => {
  await server.close();
  server = await startFeedServer({ heartbeatMs: 20 });
  server.source.publish(TARGET, { n: 1 });
  const stream = open();
  await eventually(() => expect(stream.heartbeats).toBeGreaterThan(2));
});

it('ends with the reason when the credential is revoked', async () => {
  const stream = open();
  await eventually(() => expect(types(stream)).toEqual(['snapshot']));
  server.feed.revoke(() => false);
  await eventually(() => expect(stream.ended).toBe(true));
  expect(stream.events[1]).toMatchObject({ event: 'closing', id: undefined, data: { code: 'unauthenticated', retry: false } });
});

it('is asked to move when the server goes away, and ends at a moment within that time', async () => {
  const streams = Array.from({ length: 10 }, () => open());
  for (const stream of streams) await eventually(() => expect(types(stream)).toEqual(['snapshot']));
  await server.feed.drain(1_000);
  await eventually(() => expect(streams.every(({ ended }) => ended)).toBe(true));
  for (const { events } of streams) {
    expect(events.slice(1)).toMatchObject([
      { event: 'move', id: undefined, data: { withinMs: 800 } },
      { event: 'closing', id: undefined, data: { retry: true } },
    ]);
  }
});

it.each(['x', '1', '1:abc', '-1:"a"', '99999999999999999999:"a"'])('refuses the Last-Event-ID %j', async (id) => {
  const { status, body } = await get(server.url + PATH, { ...HEADERS, accept: 'text/event-stream', 'last-event-id': id });
  expect([status, JSON.parse(body)]).toMatchObject([400, { code: 'malformed_request' }]);
}, 5_000);

it('takes no query parameter of the other transports', async () => {
  expect((await get(`${server.url}${PATH}?wait=1s`, { ...HEADERS, accept: 'text/event-stream' })).status).toBe(400);
});

it('is for who asks for it by name', async () => {
  for (const accept of ['*/*', 'text/*', 'text/event-stream;q=0, application/json']) {
    expect((await get(server.url + PATH, { ...HEADERS, accept })).headers['content-type']).toBe('application/json');
  }
});

it('holds one pending message for a client that reads nothing, and disconnects it in the end', async () => {
  await server.close();
  server = await startFeedServer({ heartbeatMs: 100, bookmarkIntervalMs: 20 });
  server.source.publish(TARGET, { n: 1 });
  const socket = connect(server.port, '127.0.0.1');
  sockets.push(socket);
  socket.on('error', () => undefined);
  socket.pause();
  socket.write(`GET ${PATH} HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\nAuthorization: Bearer ${CLIENT_KEY}\r\n\r\n`);
  await eventually(() => expect(server.feed.counters.connections.sse).toBe(1));
  let n = 2;
  await eventually(async () => {
    server.source.publish(TARGET, { text: String(n).repeat(500_000) });
    n += 1;
    for (let turn = 0; turn < 10; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    expect(server.feed.pending).toBe(1);
  });
  await eventually(() => expect(server.feed.counters.stuck).toBe(1));
  await eventually(() => expect(server.feed.counters.connections.sse).toBe(0));
}, 30_000);
