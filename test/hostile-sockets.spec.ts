import { PROTOCOL_VERSION } from '@trimtab/client/protocol';
import { randomBytes } from 'node:crypto';
import { connect as connectTcp } from 'node:net';
import WebSocket from 'ws';
import { Api } from './support/api';
import { openSocketIo, type Connection } from './support/connections';
import { eventually } from './support/eventually';
import { startServer, type TestServer } from './support/server';

const TARGET = { service: 'orders', environment: 'production' };

let server: TestServer;
let api: Api;
let bystanders: Connection[];

beforeAll(async () => {
  server = await startServer();
  api = new Api(server.url, server.token);
  await api.given({ production: 'base' }, ['orders']);
  await api.putYaml('orders@base', 'n: 0\n');
  bystanders = await Promise.all([0, 1, 2].map(() => openSocketIo(server.url, server.token, TARGET)));
});
afterAll(async () => {
  bystanders.forEach(({ close }) => close());
  await Promise.all(bystanders.map(({ ended }) => ended));
  await server.close();
});

/** A WebSocket under our own control, past the handshake of Engine.IO: `received` are the packets as they came. */
interface RawSocket {
  readonly received: string[];
  readonly closed: Promise<number>;
  send(data: string | Buffer): void;
  ping(): void;
  close(): void;
}

function openRaw(query = 'EIO=4&transport=websocket', headers: Record<string, string> = {}, compressed = false): Promise<RawSocket> {
  const socket = new WebSocket(`${server.url.replace('http', 'ws')}/socket.io/?${query}`, { headers, perMessageDeflate: compressed ? { threshold: 0 } : true });
  const received: string[] = [];
  const closed = new Promise<number>((resolve) => socket.on('close', resolve));
  socket.on('message', (data) => received.push(String(data)));
  socket.on('error', () => undefined);
  const raw: RawSocket = { received, closed, send: (data) => socket.send(data, () => undefined), ping: () => socket.ping(undefined, undefined, () => undefined), close: () => socket.terminate() };
  return new Promise((resolve) => {
    socket.on('message', () => resolve(raw));
    socket.on('close', () => resolve(raw));
  });
}

const HANDSHAKE = { protocol: PROTOCOL_VERSION, ...TARGET };
const joining = (auth: unknown = { ...HANDSHAKE, key: server.token }): string => `40${JSON.stringify(auth)}`;

async function openJoined(): Promise<RawSocket> {
  const raw = await openRaw();
  raw.send(joining());
  await eventually(() => expect(raw.received.some((packet) => packet.startsWith('42["feed"'))).toBe(true));
  return raw;
}

let published = 0;
/** Everybody else still receives what is published. */
async function expectBystandersServed(): Promise<void> {
  published += 1;
  const { json } = await api.putYaml('orders@base', `n: ${published}\n`);
  await eventually(() => {
    for (const { messages } of bystanders) expect(messages.at(-1)).toMatchObject({ revision: json.revision });
  });
  expect((await api.get('/health/ready')).status).toBe(200);
}

const repeat = (text: string, times: number): string => text.repeat(times);

describe('given a connected client that sends what no client sends', () => {
  it.each<[string, () => string | Buffer]>([
    ['text that is no packet', () => 'hello'],
    ['an empty frame', () => ''],
    ['an unknown packet type of Engine.IO', () => '9'],
    ['an unknown packet type of Socket.IO', () => '49'],
    ['an event that is no JSON', () => '42{'],
    ['an event that is no list', () => '42{"a":1}'],
    ['an event without a name', () => '42[]'],
    ['an event whose name is a number', () => '42[1]'],
    ['an event whose name is an object', () => '42[{"toString":1}]'],
    ['a reserved event', () => '42["disconnecting","x"]'],
    ['a reserved event', () => '42["connect_error",{}]'],
    ['an event of the server', () => '42["feed",{"type":"snapshot"}]'],
    ['an event every object has', () => '42["__proto__",{}]'],
    ['an event every object has', () => '42["constructor",{}]'],
    ['an unknown event', () => '42["shutdown",null]'],
    ['a subscription without a position', () => '42["subscribe"]'],
    ['a subscription with two', () => '42["subscribe",null,null]'],
    ['a subscription with a text', () => '42["subscribe","x"]'],
    ['a subscription with a negative revision', () => '42["subscribe",{"revision":-1,"etag":"x"}]'],
    ['a subscription with a fraction', () => '42["subscribe",{"revision":1.5,"etag":"x"}]'],
    ['a subscription with a revision beyond the safe range', () => '42["subscribe",{"revision":1e300,"etag":"x"}]'],
    ['a subscription with an unknown member', () => '42["subscribe",{"revision":1,"etag":"x","__proto__":{"polluted":1}}]'],
    ['a subscription that asks for an acknowledgement', () => '421["subscribe",null]'],
    ['a report that is nothing', () => '42["report",null]'],
    ['a report that is a list', () => '42["report",[]]'],
    ['a report of an unknown state', () => '42["report",{"state":"__proto__","revision":1,"etag":"x"}]'],
    ['a refusal without a reason', () => '42["report",{"state":"refused","revision":1,"etag":"x"}]'],
    ['a refusal with too long a reason', () => `42["report",{"state":"refused","revision":1,"etag":"x","reason":"${repeat('x', 5_000)}"}]`],
    ['a report with NUL', () => '42["report",{"state":"refused","revision":1,"etag":"x","reason":"\\u0000"}]'],
    ['deeply nested JSON', () => `42["report",${repeat('[', 15_000)}${repeat(']', 15_000)}]`],
    ['truncated nested JSON', () => `42["report",${repeat('{"a":', 5_000)}`],
    ['a message of 100 KB', () => `42["report","${repeat('x', 100_000)}"]`],
    ['a message of 10 MB', () => `42["report","${repeat('x', 10_000_000)}"]`],
    ['binary', () => Buffer.from([0, 1, 2, 3])],
    ['1 MB of binary', () => randomBytes(1_000_000)],
    ['the announcement of binary attachments', () => '451-["report",{"_placeholder":true,"num":0}]'],
    ['the announcement of very many', () => '459999999999-["report"]'],
    ['a placeholder that points nowhere', () => '451-["report",{"_placeholder":true,"num":9}]'],
    ['another namespace', () => '40/admin,{"key":"x"}'],
    ['an event in another namespace', () => '42/admin,["report",{}]'],
    ['a namespace of 20 KB', () => `40/${repeat('x', 20_000)},{}`],
    ['a second connection to the same namespace', () => joining()],
    ['an acknowledgement nobody asked for', () => '4399["x"]'],
    ['an error', () => '44{"message":"x"}'],
    ['an upgrade', () => '5'],
    ['an upgrade probe', () => '2probe'],
    ['an open packet', () => '0{"sid":"x"}'],
  ])('%s ends at most its own connection', async (_name, packet) => {
    const raw = await openJoined();
    raw.send(packet());
    await expectBystandersServed();
    raw.close();
    await raw.closed;
  });

  it('is told what was wrong, and asked to stay away for a while', async () => {
    const raw = await openJoined();
    raw.send('42["report",{"state":"nonsense","revision":1,"etag":"x"}]');
    await raw.closed;
    const closing = raw.received.find((packet) => packet.includes('"closing"')) ?? '';
    expect(JSON.parse(closing.slice(2))[1]).toMatchObject({ type: 'closing', code: 'malformed_request', retry: true, withinMs: 5_000, detail: expect.stringContaining('state') });
    expect(raw.received.join()).not.toMatch(/node_modules|\bat [\w.<>]+ \(/);
  });

  it('by the thousand, from one connection and from many, is borne', async () => {
    const flood = Array.from({ length: 20 }, async () => {
      const raw = await openJoined();
      for (let count = 0; count < 1_000; count += 1) raw.send(count % 2 === 0 ? '42["report",{}]' : '42["nothing",1]');
      await raw.closed;
    });
    await expectBystandersServed();
    await Promise.all(flood);
    await expectBystandersServed();
    await eventually(async () => expect((await api.must('GET', '/api/v1/instances')).json.items).toHaveLength(bystanders.length));
  });

  it.each<[string, (raw: RawSocket) => void]>([
    ['well-formed subscriptions', (raw) => raw.send('42["subscribe",null]')],
    ['well-formed reports', (raw) => raw.send('42["report",{"state":"applied","revision":0,"etag":"x"}]')],
    ['answers to heartbeats nobody asked for', (raw) => raw.send('3')],
    ['pings of the WebSocket, whose answers nobody reads', (raw) => raw.ping()],
  ])('as %s without end, slows nobody else down, and is cut off', async (_name, say) => {
    const raw = await openJoined();
    for (let count = 0; count < 5_000; count += 1) say(raw);
    await expectBystandersServed();
    await raw.closed;
  });

  it('before it has said who it is, is cut off as well', async () => {
    const raw = await openRaw();
    for (let count = 0; count < 5_000; count += 1) raw.send('3');
    await raw.closed;
    await expectBystandersServed();
  });

  it('as a small message that unpacks into a large one, ends its own connection', async () => {
    const raw = await openRaw(undefined, {}, true);
    raw.send(joining());
    await eventually(() => expect(raw.received.some((packet) => packet.startsWith('42["feed"'))).toBe(true));
    raw.send(`42["report","${repeat('x', 50_000_000)}"]`);
    expect(await raw.closed).toBe(1009);
    await expectBystandersServed();
  });
});

describe('given a handshake', () => {
  it.each<[string, unknown]>([
    ['nothing', undefined],
    ['an unknown member', { ...HANDSHAKE, key: 'x', admin: true }],
    ['__proto__', JSON.parse(`{"__proto__":{"key":"x"},"protocol":1}`)],
    ['no protocol', { ...TARGET, key: 'x' }],
    ['another protocol', { ...HANDSHAKE, key: 'x', protocol: 2 }],
    ['a key that is a number', { ...HANDSHAKE, key: 1 }],
    ['a key that is an object', { ...HANDSHAKE, key: { toString: 'x' } }],
    ['a key of 10,000 characters', { ...HANDSHAKE, key: repeat('x', 10_000) }],
    ['a service of dots', { ...HANDSHAKE, key: 'x', service: '..' }],
    ['a service that is a list', { ...HANDSHAKE, key: 'x', service: ['orders'] }],
    ['an environment with NUL', { ...HANDSHAKE, key: 'x', environment: 'a\0' }],
    ['an instance without an id', { ...HANDSHAKE, key: 'x', instance: {} }],
    ['17 labels', { ...HANDSHAKE, key: 'x', instance: { id: 'x', labels: Object.fromEntries(Array.from({ length: 17 }, (_, index) => [`l${index}`, 'x'])) } }],
    ['a label that is a number', { ...HANDSHAKE, key: 'x', instance: { id: 'x', labels: { a: 1 } } }],
    ['a position that is a text', { ...HANDSHAKE, key: 'x', since: '1' }],
    ['a position of NaN', { ...HANDSHAKE, key: 'x', since: { revision: NaN, etag: 'x' } }],
  ])('with %s is refused with a reason', async (_name, auth) => {
    const raw = await openRaw();
    raw.send(auth === undefined ? '40' : joining(auth));
    await eventually(() => expect(raw.received.some((packet) => packet.startsWith('44'))).toBe(true));
    const refusal = JSON.parse(raw.received.find((packet) => packet.startsWith('44'))!.slice(2)) as { data: object };
    expect(refusal.data).toMatchObject({ code: 'malformed_request', retry: false });
    expect(raw.received.join()).not.toMatch(/node_modules|\bat [\w.<>]+ \(|42\["feed/);
    raw.close();
    await raw.closed;
  });

  it.each(['null', '[]', '"key"', '{', '{}{}'])('of %s is no Socket.IO, and closes the connection', async (auth) => {
    const raw = await openRaw();
    raw.send(`40${auth}`);
    await raw.closed;
    expect(raw.received.filter((packet) => !packet.startsWith('0'))).toEqual([]);
  });

  it('by polling is refused, whatever else it asks for', async () => {
    for (const query of ['EIO=4&transport=polling', 'EIO=3&transport=polling', 'EIO=4&transport=__proto__', 'EIO=4', 'transport=websocket', 'EIO=4&transport=polling&sid=x', 'EIO=4&transport=polling&j=1']) {
      for (const method of ['GET', 'POST', 'PUT', 'OPTIONS']) {
        const answer = await api.request(method, `/socket.io/?${query}`, method === 'POST' ? '40{}' : undefined);
        expect([query, method, answer.status >= 400 && answer.status < 500]).toEqual([query, method, true]);
        expect(answer.text).not.toMatch(/node_modules|\bat [\w.<>]+ \(/);
      }
    }
    await expectBystandersServed();
  });

  it('from a web page is refused', async () => {
    const raw = await openRaw(undefined, { origin: 'https://evil.example' });
    expect(raw.received).toEqual([]);
    await raw.closed;
  });

  it('of a session that is not its own is refused', async () => {
    for (const sid of ['x', '__proto__', repeat('a', 5_000)]) {
      const raw = await openRaw(`EIO=4&transport=websocket&sid=${sid}`);
      expect(raw.received.filter((packet) => packet.startsWith('0'))).toEqual([]);
      raw.close();
      await raw.closed;
    }
  });

  it('that never says who it is does not hold anybody up', async () => {
    const silent = await Promise.all(Array.from({ length: 50 }, () => openRaw()));
    await expectBystandersServed();
    expect((await api.must('GET', '/api/v1/instances')).json.items).toHaveLength(bystanders.length);
    silent.forEach(({ close }) => close());
    await Promise.all(silent.map(({ closed }) => closed));
  });

  it('many times over, each refused, is borne', async () => {
    const refused = Array.from({ length: 200 }, async () => {
      const raw = await openRaw();
      raw.send(joining({ ...HANDSHAKE, key: 'garbage' }));
      await eventually(() => expect(raw.received.join()).toContain('unauthenticated'));
      raw.close();
      await raw.closed;
    });
    await expectBystandersServed();
    await Promise.all(refused);
  });
});

describe('given frames that are no WebSocket', () => {
  const upgrade = 'GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n';

  it.each<[string, Buffer]>([
    ['frames without a mask', Buffer.from([0x81, 0x02, 0x34, 0x30])],
    ['reserved bits', Buffer.from([0xf1, 0x80, 0, 0, 0, 0])],
    ['a reserved opcode', Buffer.from([0x8f, 0x80, 0, 0, 0, 0])],
    ['a length of 2^63', Buffer.from([0x81, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0])],
    ['a length of 1 TB', Buffer.from([0x82, 0xff, 0, 0, 0x01, 0, 0, 0, 0, 0, 0, 0, 0, 0])],
    ['a fragment of nothing', Buffer.from([0x80, 0x80, 0, 0, 0, 0])],
    ['a ping that is too long', Buffer.from([0x89, 0xfe, 0x01, 0x00, 0, 0, 0, 0, ...Array<number>(256).fill(0)])],
    ['a close frame of one byte', Buffer.from([0x88, 0x81, 0, 0, 0, 0, 0])],
    ['text that is not UTF-8', Buffer.from([0x81, 0x82, 0, 0, 0, 0, 0xff, 0xff])],
    ['noise', randomBytes(100_000)],
  ])('%s closes the connection, and no other', async (_name, bytes) => {
    const socket = connectTcp(Number(new URL(server.url).port), '127.0.0.1');
    const closed = new Promise<void>((resolve) => socket.on('close', () => resolve()));
    socket.on('error', () => undefined).resume();
    socket.write(upgrade);
    await new Promise((resolve) => socket.once('data', resolve));
    socket.write(bytes);
    await closed;
    await expectBystandersServed();
  });

  it('an upgrade to elsewhere is refused and closed', async () => {
    for (const path of ['/', '/api/v1/services', '/v1/config/production/orders', '/socket.io.evil/?EIO=4&transport=websocket']) {
      const socket = connectTcp(Number(new URL(server.url).port), '127.0.0.1');
      socket.on('error', () => undefined);
      let answer = '';
      socket.setEncoding('latin1').on('data', (text: string) => (answer += text));
      socket.write(upgrade.replace('/socket.io/?EIO=4&transport=websocket', path));
      await eventually(() => expect(answer !== '' || socket.destroyed || socket.readableEnded).toBe(true));
      expect(answer).not.toContain('101 Switching');
      socket.destroy();
    }
    await expectBystandersServed();
  });
});
