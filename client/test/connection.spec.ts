import type { ConnectionState } from '../src/index.js';
import { eventually } from './eventually.js';
import type { FakeServer } from './fake-server.js';
import { HalfOpenProxy } from './half-open-proxy.js';
import { World } from './harness.js';

describe('given a connected client', () => {
  let world: World;
  let server: FakeServer;

  beforeEach(async () => {
    world = new World();
    server = await world.server();
    server.publish({ n: 1 });
  });

  afterEach(() => world.close());

  it('resumes with its newest position after the connection was cut, and misses nothing', async () => {
    const config = await world.connect(server.url);
    server.bookmark(20);
    await eventually(() => config.status().knownRevision === 20);
    const states: ConnectionState[] = [];
    config.on('state', ({ next }) => states.push(next));
    const stale: boolean[] = [];
    config.on('stale', ({ value }) => stale.push(value));
    const { etag } = server.latest;
    server.cut();
    await eventually(() => config.stale);
    const { revision } = server.publish({ n: 2 });
    await eventually(() => config.get('n') === 2);
    expect(server.handshakes.at(-1)?.since).toEqual({ revision: 20, etag });
    expect(config.status()).toMatchObject({ revision, state: 'live', stale: { value: false } });
    expect(states).toEqual(['waiting', 'connecting', 'subscribing', 'live']);
    expect(stale).toEqual([true, false]);
  });

  it('finds a restarted server, whatever time it takes', async () => {
    const config = await world.connect(server.url);
    const { port } = server;
    await server.close();
    await eventually(() => config.stale);
    await eventually(() => world.logger.matching(/^debug: Not connected/).length >= 3);
    const next = await world.server(port);
    next.publish({ n: 1 });
    next.publish({ n: 5 });
    await eventually(() => config.get('n') === 5);
    expect(world.logger.matching(/^warn: Not connected/)).toHaveLength(1);
  });

  it('leaves when the server is closing, and comes back within the time it was given', async () => {
    const config = await world.connect(server.url, { reconnect: { baseMs: 60_000, capMs: 60_000 } });
    server.send({ type: 'closing', code: 'unavailable', detail: 'The server is restarting.', retry: true, withinMs: 50 });
    await eventually(() => config.status().state !== 'live');
    expect(config.status().stale.reason).toContain('The server is restarting.');
    await eventually(() => config.status().state === 'live');
    expect(server.handshakes).toHaveLength(2);
  });

  it('receives what is published until it moves, and connects again at once, with where it stands', async () => {
    const config = await world.connect(server.url, { reconnect: { baseMs: 60_000, capMs: 60_000 } });
    server.send({ type: 'move', withinMs: 300 });
    const { revision, etag } = server.publish({ n: 2 });
    await eventually(() => config.get('n') === 2);
    await eventually(() => server.handshakes.length === 2 && config.status().state === 'live');
    expect(server.handshakes[1]?.since).toEqual({ revision, etag });
    expect(world.logger.matching(/^warn/)).toEqual([]);
  });

  it('does not move in the middle of an apply', async () => {
    const config = await world.connect(server.url);
    let finish: () => void = () => undefined;
    await config.resource('n', { prepare: (n) => (n === 1 ? n : new Promise<number>((resolve) => (finish = () => resolve(n as number)))), dispose: () => undefined });
    server.publish({ n: 2 });
    server.send({ type: 'move', withinMs: 0 });
    const seen: unknown[] = [];
    config.on('state', ({ next }) => seen.push([next, config.get('n')]));
    // An answer to this shows that the move has been heard, and some time with it.
    for (let round = 0; round < 3; round += 1) {
      const { knownRevision } = config.status();
      server.bookmark(knownRevision + 10);
      await eventually(() => config.status().knownRevision > knownRevision);
    }
    expect(seen).toEqual([]);
    finish();
    await eventually(() => server.handshakes.length === 2);
    expect(seen[0]).toEqual(['waiting', 2]);
  });

  it('is rejected when its key is revoked, and tries again only slowly', async () => {
    const config = await world.connect(server.url, { rejectedRetryMs: 600 });
    server.send({ type: 'closing', code: 'unauthenticated', detail: 'The key was revoked.', retry: false });
    await eventually(() => config.status().state === 'rejected');
    const rejectedAt = performance.now();
    await eventually(() => server.handshakes.length === 2);
    // At least half of the time it was told; the back-off of a lost connection would have been 100 ms at most.
    expect(performance.now() - rejectedAt).toBeGreaterThan(250);
    expect(config.get('n')).toBe(1);
    expect(world.logger.matching(/^error: .*revoked/)).toHaveLength(1);
  });

  it('tries again quickly when the server refuses a handshake only for now', async () => {
    const config = await world.connect(server.url);
    server.refusal = { code: 'unavailable', detail: 'Starting.', retry: true };
    server.cut();
    await eventually(() => server.handshakes.length >= 4);
    server.refusal = undefined;
    await eventually(() => config.status().state === 'live');
  });

  it('asks now and then whether it is current, and so finds what was never pushed', async () => {
    const config = await world.connect(server.url, { pollIntervalMs: 20 });
    server.tamper = (message) => (message.type === 'snapshot' ? ({ type: 'lost' } as never) : message);
    server.publish({ n: 2 });
    server.tamper = (message) => message;
    await eventually(() => config.get('n') === 2);
    expect(server.subscribed).toContainEqual({ revision: 1, etag: expect.any(String) });
    expect(server.handshakes).toHaveLength(1);
  });

  it('finds out that a half-open connection is dead', async () => {
    const proxy = world.own(await HalfOpenProxy.start(server.port));
    const config = await world.connect(proxy.url, { pollIntervalMs: 20, answerTimeoutMs: 200 });
    proxy.freeze();
    server.publish({ n: 2 });
    await eventually(() => config.stale);
    expect(config.status().stale.reason).toContain('did not answer in time');
    proxy.thaw();
    await eventually(() => config.get('n') === 2);
  });

  it('gives up an attempt that neither succeeds nor fails', async () => {
    const proxy = world.own(await HalfOpenProxy.start(server.port));
    proxy.freeze();
    const config = await world.connect(proxy.url, { defaults: {}, startTimeoutMs: 20, answerTimeoutMs: 100 });
    await eventually(() => config.status().state === 'waiting');
    proxy.thaw();
    await eventually(() => config.get('n') === 1);
  });

  it('gives up a server that accepts it and says nothing', async () => {
    server.mute = true;
    const config = await world.connect(server.url, { defaults: {}, startTimeoutMs: 20, answerTimeoutMs: 100 });
    await eventually(() => server.handshakes.length >= 2);
    server.mute = false;
    await eventually(() => config.get('n') === 1);
  });

  it('reports a refusal again on the next connection, until it is over', async () => {
    const schema = { '~standard': { version: 1, vendor: 'test', validate: (value: unknown) => ((value as { n: number }).n < 0 ? { issues: [{ message: 'negative' }] } : { value }) } } as const;
    const config = await world.connect(server.url, { schema: schema as never, pollIntervalMs: 60_000 });
    const bad = server.publish({ n: -1 });
    await eventually(() => server.reports.some(({ state }) => state === 'refused'));
    server.reports.length = 0;
    server.cut();
    await eventually(() => server.reports.some(({ state, revision }) => state === 'refused' && revision === bad.revision));
    expect(server.handshakes.at(-1)?.since?.etag).toBe(config.status().etag);
    const { revision } = server.publish({ n: 1 });
    await eventually(() => server.reports.some((report) => report.state === 'applied' && report.revision === revision));
    await eventually(() => !config.stale);
    expect(config.status().lastRefusal).toBeUndefined();
  });

  it('tries a revision again whose resource could not be prepared', async () => {
    const config = await world.connect<{ n: number }>(server.url, { pollIntervalMs: 30 });
    let broken = true;
    const resource = await config.resource('n', {
      prepare: (n) => {
        if (broken && n === 2) throw new Error('database down');
        return n;
      },
      dispose: () => undefined,
    });
    server.publish({ n: 2 });
    await eventually(() => config.status().lastRefusal?.stage === 'prepare');
    broken = false;
    await eventually(() => resource.current === 2);
    expect(config.get('n')).toBe(2);
  });

  it('reports again what it runs on the next connection, which may be to another server', async () => {
    const config = await world.connect(server.url, { pollIntervalMs: 60_000 });
    const { revision, etag } = config.status();
    await eventually(() => server.reports.some((report) => report.state === 'applied'));
    server.reports.length = 0;
    server.cut();
    await eventually(() => server.handshakes.length === 2 && server.reports.length > 0);
    expect(server.reports).toEqual([expect.objectContaining({ state: 'applied', revision, etag })]);
  });

  it('reports what it applied while it was cut off', async () => {
    let open: () => void = () => undefined;
    const config = await world.connect<{ n: number }>(server.url);
    await config.resource('n', { prepare: (n) => (n === 1 ? n : new Promise<number>((resolve) => (open = () => resolve(n)))), dispose: () => undefined });
    const { revision } = server.publish({ n: 2 });
    await eventually(() => config.status().knownRevision === revision);
    server.refusal = { code: 'unavailable', detail: 'Later.', retry: true };
    server.cut();
    await eventually(() => config.stale);
    open();
    await eventually(() => config.get('n') === 2);
    server.refusal = undefined;
    await eventually(() => server.reports.some((report) => report.state === 'applied' && report.revision === revision));
  });

  it('takes back a revision whose preparation the server overtakes by going back', async () => {
    let open: () => void = () => undefined;
    const disposed: number[] = [];
    const config = await world.connect<{ n: number }>(server.url);
    const resource = await config.resource('n', {
      prepare: (n) => (n === 1 ? n : new Promise<number>((resolve) => (open = () => resolve(n)))),
      dispose: (n) => void disposed.push(n),
    });
    server.publish({ n: 2 });
    await eventually(() => config.status().knownRevision === 2);
    server.publish({ n: 1 });
    await eventually(() => config.status().revision === 3);
    open();
    await eventually(() => disposed.includes(2));
    expect([config.get('n'), resource.current, config.status().revision]).toEqual([1, 1, 3]);
  });

  it('stops for good when it is closed, in whatever state', async () => {
    const config = await world.connect(server.url);
    await config.close();
    await config.close();
    await eventually(() => server.clients === 0);
    expect(config.status().state).toBe('closed');
    expect(config.get('n')).toBe(1);
    const waiting = await world.connect(server.url, { instanceId: 'closed' });
    await world.connect(server.url, { instanceId: 'open' });
    const attemptsOf = (id: string): number => server.handshakes.filter(({ instance }) => instance?.id === id).length;
    server.refusal = { code: 'unavailable', detail: 'Later.', retry: true };
    server.cut();
    await eventually(() => waiting.status().state === 'waiting');
    await waiting.close();
    const [closed, open] = [attemptsOf('closed'), attemptsOf('open')];
    // Long enough for another client that lost the same connection to try five times.
    await eventually(() => attemptsOf('open') >= open + 5);
    expect(attemptsOf('closed')).toBe(closed);
  });
});
