import { connect, type Socket as NetSocket } from 'node:net';
import type { FeedMessage, Handshake, InstanceInfo, Position, Report } from '@trimtab/client/protocol';
import { io, type Socket } from 'socket.io-client';
import { WebSocket } from 'ws';
import { eventually } from '../../../test/support/eventually';
import type { FeedObserver } from '../feed-observer';
import { ADMIN, CLIENT_KEY, FOREIGN_KEY, startFeedServer, TARGET, type FeedServer } from '../testing/feed-server';

const LONG = 'a text that is long enough for a delta to be worth it, and then some more of it';
const HANDSHAKE: Handshake = { protocol: 1, key: CLIENT_KEY, ...TARGET };

class Observed implements FeedObserver {
  readonly seen: { id: string; info: InstanceInfo; since?: Position; reports: Report[]; gone: boolean }[] = [];

  connected(id: string, _target: unknown, info: InstanceInfo, _transport: unknown, since?: Position) {
    const instance = { id, info, since, reports: [] as Report[], gone: false };
    this.seen.push(instance);
    return { report: (report: Report) => void instance.reports.push(report), gone: () => void (instance.gone = true) };
  }
}

let server: FeedServer;
let observed: Observed;
const sockets: Socket[] = [];
const raws: WebSocket[] = [];

beforeEach(async () => {
  observed = new Observed();
  server = await startFeedServer({ heartbeatMs: 5_000, bookmarkIntervalMs: 50 }, observed);
  server.source.publish(TARGET, { n: 1, LONG });
});

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.disconnect();
  for (const raw of raws.splice(0)) raw.terminate();
  await eventually(() => expect(server.feed.counters.connections['socket.io']).toBe(0));
  await server.close();
});

function open(auth: object, options: object = {}) {
  const socket = io(server.url, { transports: ['websocket'], forceNew: true, reconnection: false, auth, ...options });
  const messages: FeedMessage[] = [];
  sockets.push(socket);
  socket.on('feed', (message: FeedMessage) => messages.push(message));
  return { socket, messages };
}

async function refused(auth: object): Promise<unknown> {
  const { socket } = open(auth);
  return new Promise((resolve, reject) => {
    socket.on('connect', () => reject(new Error('was let in')));
    socket.on('connect_error', (error) => resolve((error as Error & { data?: unknown }).data));
  });
}

async function openRaw(options = {}): Promise<{ socket: WebSocket; received: string[]; closed: Promise<void> }> {
  const socket = new WebSocket(`ws://127.0.0.1:${server.port}/socket.io/?EIO=4&transport=websocket`, options);
  raws.push(socket);
  const received: string[] = [];
  socket.on('message', (data) => received.push(String(data)));
  socket.on('error', () => undefined);
  const closed = new Promise<void>((resolve) => socket.on('close', () => resolve()));
  await eventually(() => expect(received[0]).toMatch(/^0\{/));
  return { socket, received, closed };
}

async function stillServes(): Promise<void> {
  const { messages } = open(HANDSHAKE);
  await eventually(() => expect(messages).toHaveLength(1));
}

describe('given a client that may read', () => {
  it('gets the snapshot, then what changes', async () => {
    const { messages } = open(HANDSHAKE);
    await eventually(() => expect(messages).toHaveLength(1));
    server.source.publish(TARGET, { n: 2, LONG });
    await eventually(() => expect(messages).toHaveLength(2));
    server.source.publish({ service: 'billing', environment: 'base' }, {});
    await eventually(() => expect(messages).toHaveLength(3));
    expect(messages).toMatchObject([{ type: 'snapshot', revision: 1 }, { type: 'delta', revision: 2 }, { type: 'bookmark', revision: 3 }]);
  });

  it.each([100, 1_000, 40_000, 70_000])('gets a snapshot of %i bytes whole, in whichever frame header its length needs', async (length) => {
    const { documents, etag } = server.source.publish(TARGET, { text: 'ü'.repeat(length) });
    const { messages } = open(HANDSHAKE);
    await eventually(() => expect(messages[0]).toMatchObject({ etag, documents }));
    const next = server.source.publish(TARGET, { other: 'ß'.repeat(length) });
    await eventually(() => expect(messages[1]).toMatchObject({ etag: next.etag, documents: next.documents }));
  });

  it('gets whole snapshots compressed if it has agreed to that, and changes as they are', async () => {
    const { etag } = server.source.publish(TARGET, { n: 1, text: 'ü'.repeat(100_000) });
    const bytes = await Promise.all([true, false].map(async (perMessageDeflate) => {
      const { socket, received } = await openRaw({ perMessageDeflate });
      socket.send(`40${JSON.stringify(HANDSHAKE)}`);
      await eventually(() => expect(received.at(-1)).toContain(etag.slice(1, -1)));
      return (socket as unknown as { _socket: NetSocket })._socket.bytesRead;
    }));
    expect(bytes[0]).toBeLessThan(10_000);
    expect(bytes[1]).toBeGreaterThan(200_000);
    const { messages } = open(HANDSHAKE);
    await eventually(() => expect(messages).toHaveLength(1));
    const next = server.source.publish(TARGET, { n: 2, text: 'ü'.repeat(100_000) });
    await eventually(() => expect(messages[1]).toMatchObject({ type: 'delta', etag: next.etag }));
  });

  it('gets the newest when something is published while it is being compressed', async () => {
    const { messages } = open(HANDSHAKE);
    await eventually(() => expect(messages).toHaveLength(1));
    for (let n = 1; n <= 5; n += 1) server.source.publish(TARGET, { text: String(n).repeat(200_000) });
    await eventually(() => expect(messages.at(-1)).toMatchObject({ revision: server.source.head }));
    expect(messages.length).toBeLessThan(4);
  });

  it('resumes with its position in the handshake, and may tell it again', async () => {
    const { revision, etag } = await server.source.get(TARGET);
    const { socket, messages } = open({ ...HANDSHAKE, since: { revision, etag } });
    await eventually(() => expect(messages).toEqual([{ type: 'current', revision: 1 }]));
    socket.emit('subscribe', null);
    await eventually(() => expect(messages[1]).toMatchObject({ type: 'snapshot' }));
  });

  it('is seen with what it says of itself, what it reports, and when it leaves', async () => {
    const instance = { id: 'orders-1', host: 'h', library: 'test', labels: { zone: 'a' } };
    const { socket, messages } = open({ ...HANDSHAKE, instance });
    await eventually(() => expect(messages).toHaveLength(1));
    const report: Report = { state: 'refused', revision: 1, etag: '"x"', reason: 'no' };
    socket.emit('report', report);
    await eventually(() => expect(observed.seen).toMatchObject([{ info: instance, reports: [report], gone: false }]));
    socket.disconnect();
    await eventually(() => expect(observed.seen[0]?.gone).toBe(true));
  });

  it('is told and disconnected when its credential is revoked, and only it', async () => {
    const revoked = open(HANDSHAKE);
    const other = open({ ...HANDSHAKE, key: ADMIN });
    await eventually(() => expect([revoked.messages.length, other.messages.length]).toEqual([1, 1]));
    server.feed.revoke((id) => id !== 'orders');
    await eventually(() => expect(revoked.socket.connected).toBe(false));
    expect(revoked.messages[1]).toMatchObject({ type: 'closing', code: 'unauthenticated', retry: false });
    expect(other.socket.connected).toBe(true);
  });

  it('is asked to move before the server goes away, and disconnected when it does not', async () => {
    const { socket, messages } = open(HANDSHAKE);
    await eventually(() => expect(messages).toHaveLength(1));
    const drained = server.feed.drain(500);
    await eventually(() => expect(messages[1]).toEqual({ type: 'move', withinMs: 400 }));
    expect(socket.connected).toBe(true);
    server.source.publish(TARGET, { n: 2, LONG });
    await eventually(() => expect(messages[2]).toMatchObject({ type: 'delta', revision: 2 }));
    await drained;
    await eventually(() => expect(socket.connected).toBe(false));
    expect(messages[3]).toMatchObject({ type: 'closing', retry: true });
    expect(await refused(HANDSHAKE)).toMatchObject({ code: 'unavailable', retry: true });
  });
});

describe('given a handshake that cannot be accepted', () => {
  it.each([
    ['no key', { ...HANDSHAKE, key: undefined }, { code: 'malformed_request', retry: false }],
    ['an unknown key', { ...HANDSHAKE, key: 'nonsense' }, { code: 'unauthenticated', retry: false }],
    ['a foreign key', { ...HANDSHAKE, key: FOREIGN_KEY }, { code: 'forbidden', retry: false }],
    ['a service that does not exist (yet)', { ...HANDSHAKE, key: ADMIN, service: 'nobody' }, { code: 'service_not_found', retry: true }],
    ['another protocol', { ...HANDSHAKE, protocol: 2 }, { code: 'malformed_request', retry: false }],
    ['a name that is none', { ...HANDSHAKE, environment: '../base' }, { code: 'malformed_request', retry: false }],
    ['an unknown member', { ...HANDSHAKE, sinse: null }, { code: 'malformed_request', retry: false }],
    ['a position without ETag', { ...HANDSHAKE, since: { revision: 1 } }, { code: 'malformed_request', retry: false }],
    ['a negative revision', { ...HANDSHAKE, since: { revision: -1, etag: '"x"' } }, { code: 'malformed_request', retry: false }],
    ['a position in the future', { ...HANDSHAKE, since: { revision: 99, etag: '"x"' } }, { code: 'unavailable', retry: true }],
    ['an instance without id', { ...HANDSHAKE, instance: { host: 'h' } }, { code: 'malformed_request', retry: false }],
    ['too many labels', { ...HANDSHAKE, instance: { id: 'x', labels: Object.fromEntries(Array.from({ length: 17 }, (_, i) => [`l${i}`, 'v'])) } }, { code: 'malformed_request', retry: false }],
    ['nothing at all', {}, { code: 'malformed_request', retry: false }],
  ])('refuses %s', async (_name, auth, expected) => {
    const data = await refused(auth);
    expect(data).toMatchObject(expected);
    expect(data).toHaveProperty('detail', expect.stringMatching(/\.$/));
    expect(observed.seen).toEqual([]);
  });

  it('refuses a web page nobody has named', async () => {
    const socket = new WebSocket(`ws://127.0.0.1:${server.port}/socket.io/?EIO=4&transport=websocket`, { origin: 'https://evil.example' });
    raws.push(socket);
    const status = await new Promise((resolve) => {
      socket.on('unexpected-response', (_request, response) => resolve(response.statusCode));
      socket.on('error', () => resolve('error'));
      socket.on('open', () => resolve('open'));
    });
    expect(status).toBe(403);
  });

  it('offers no polling', async () => {
    const response = await fetch(`${server.url}/socket.io/?EIO=4&transport=polling`);
    expect(response.status).toBe(404);
  });
});

describe('given a client that sends what it must not', () => {
  it.each([
    ['an unknown event', 'unheard-of', [1]],
    ['no argument', 'subscribe', []],
    ['two arguments', 'subscribe', [null, null]],
    ['a position of the wrong type', 'subscribe', ['1']],
    ['a report of the wrong shape', 'report', [{ state: 'maybe', revision: 1, etag: '"x"' }]],
    ['a refusal without a reason', 'report', [{ state: 'refused', revision: 1, etag: '"x"' }]],
    ['a refusal that was held back', 'report', [{ state: 'refused', revision: 1, etag: '"x"', reason: 'no', heldMs: 1 }]],
    ['a report that was held back for less than no time', 'report', [{ state: 'applied', revision: 1, etag: '"x"', heldMs: -1 }]],
    ['bytes', 'report', [Buffer.from('x')]],
    ['__proto__', 'report', [JSON.parse('{"__proto__":{"state":"applied"},"revision":1,"etag":"x"}') as unknown]],
  ])('says why and closes: %s', async (_name, event, args) => {
    const { socket, messages } = open(HANDSHAKE);
    await eventually(() => expect(messages).toHaveLength(1));
    socket.emit(event, ...args);
    await eventually(() => expect(socket.connected).toBe(false));
    expect(messages[1]).toMatchObject({ type: 'closing', code: 'malformed_request', retry: true });
    await stillServes();
  });

  it('says why and closes when an acknowledgement is asked for', async () => {
    const { socket, messages } = open(HANDSHAKE);
    await eventually(() => expect(messages).toHaveLength(1));
    socket.emit('subscribe', () => undefined);
    await eventually(() => expect(messages[1]).toMatchObject({ type: 'closing', code: 'malformed_request' }));
  });

  it.each(['4', '42', '42{', '42["report"', '9', '40,{', '4\u0000', '451-["report",{"_placeholder":true,"num":0}]', '40"text"', '4-1'])(
    'closes the connection on a frame of garbage: %j',
    async (frame) => {
      const { socket, closed } = await openRaw();
      socket.send(`40${JSON.stringify(HANDSHAKE)}`);
      socket.send(frame);
      socket.send(frame);
      socket.send('garbage');
      await closed;
      await stillServes();
    },
  );

  it('closes the connection on bytes and on a frame that is too large', async () => {
    const bytes = await openRaw();
    bytes.socket.send(Buffer.from([1, 2, 3]));
    await bytes.closed;
    const large = await openRaw();
    large.socket.send(`40${'x'.repeat(40_000)}`);
    await large.closed;
    await stillServes();
  });

  it('closes the connection on what is no WebSocket frame at all', async () => {
    const { socket, closed } = await openRaw();
    (socket as unknown as { _socket: NetSocket })._socket.write(Buffer.from([0xff, 0xff, 0xff, 0xff]));
    await closed;
    await stillServes();
  });

  it('has no other namespaces', async () => {
    const { socket, received } = await openRaw();
    socket.send(`40/admin,${JSON.stringify(HANDSHAKE)}`);
    await eventually(() => expect(received[1]).toMatch(/^44\/admin,.*Invalid namespace/));
  });
});

describe('given very many clients at once', () => {
  it('lets all of them in, and answers others meanwhile', async () => {
    const clients = Array.from({ length: 400 }, () => open(HANDSHAKE));
    await eventually(() => expect(server.feed.counters.admissions.waiting).toBeGreaterThan(0), { intervalMs: 1 });
    expect((await fetch(`${server.url}/nowhere`)).status).toBe(404);
    await eventually(() => expect(clients.every(({ messages }) => messages.length > 0)).toBe(true), { timeoutMs: 20_000 });
    expect(server.feed.counters.admissions).toMatchObject({ waiting: 0, admitted: 400, refused: 0 });
  }, 30_000);

  it('tells those who would have to wait too long when to come back, and lets them in then', async () => {
    await server.close();
    server = await startFeedServer({ maxAdmissionWaitMs: 1 }, observed);
    server.source.publish(TARGET, { n: 1 });
    const answers = await Promise.all(Array.from({ length: 50 }, () => new Promise<unknown>((resolve) => {
      const socket = new WebSocket(`ws://127.0.0.1:${server.port}/socket.io/?EIO=4&transport=websocket`);
      raws.push(socket);
      socket.on('error', () => undefined);
      socket.on('open', () => resolve('open'));
      socket.on('unexpected-response', (_request, { statusCode, headers }) => resolve([statusCode, headers['retry-after'], headers['content-type']]));
    })));
    expect(answers).toContainEqual([503, '1', 'application/problem+json']);
    expect(answers).toContain('open');
    expect(server.feed.counters.admissions.refused).toBe(answers.filter((answer) => answer !== 'open').length);
    await stillServes();
  });

  it('spends nothing on those who are gone before it is their turn', async () => {
    const tcp = Array.from({ length: 300 }, () => connect(server.port, '127.0.0.1'));
    const upgrade = 'GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n';
    await Promise.all(tcp.map((socket) => new Promise<void>((resolve) => socket.on('error', () => undefined).write(upgrade, () => resolve()))));
    for (const socket of tcp) socket.resetAndDestroy();
    await stillServes();
    await eventually(() => expect(server.feed.counters.admissions.waiting).toBe(0));
    expect(server.feed.counters.admissions.admitted).toBeLessThan(301);
  });
});

describe('given a client that reads nothing', () => {
  it('holds one pending message, and the newest is what it gets in the end', async () => {
    const quick = open(HANDSHAKE);
    const slow = await openRaw({ perMessageDeflate: false });
    slow.socket.send(`40${JSON.stringify(HANDSHAKE)}`);
    await eventually(() => expect(slow.received.some((text) => text.startsWith('42'))).toBe(true));
    slow.socket.pause();
    let n = 2;
    await eventually(async () => {
      server.source.publish(TARGET, { n, text: String(n).repeat(500_000) });
      n += 1;
      await eventually(() => expect(quick.messages.at(-1)).toMatchObject({ revision: server.source.head }));
      expect(server.feed.pending).toBe(1);
    });
    const before = slow.received.length;
    for (let more = 0; more < 5; more += 1) server.source.publish(TARGET, { n: n + more, text: 'last' });
    slow.socket.resume();
    await eventually(() => expect(slow.received.at(-1)).toContain(`"revision":${server.source.head},`));
    expect(server.feed.pending).toBe(0);
    // What the kernel and the socket had taken, then one message for all the rest.
    expect(slow.received.slice(before).filter((text) => text.includes('"text":"last"') || text.includes('"value":"last"'))).toHaveLength(1);
  }, 60_000);
});
