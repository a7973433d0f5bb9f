import { z } from 'zod';
import type { ConfigEvents } from '../src/index.js';
import { eventually } from './eventually.js';
import type { FakeServer } from './fake-server.js';
import { World } from './harness.js';

describe('given a server and a connected client', () => {
  let world: World;
  let server: FakeServer;

  beforeEach(async () => {
    world = new World();
    server = await world.server();
    server.publish({ db: { url: 'a', pool: { min: 1, max: 10 } }, hosts: ['x', 'y'], log: 'info' });
  });

  afterEach(() => world.close());

  it('reads values by path, pointer and segments, and undefined for what is missing', async () => {
    server.publish({ db: { pool: { max: 10 } }, hosts: ['x'], 'example.com': { a: 1 }, n: null, z: 0, f: false });
    const config = await world.connect(server.url);
    expect(config.get('db.pool.max')).toBe(10);
    expect(config.get('hosts.0')).toBe('x');
    expect(config.get('/example.com/a')).toBe(1);
    expect(config.get(['example.com', 'a'])).toBe(1);
    expect([config.get('n'), config.get('z'), config.get('f')]).toEqual([null, 0, false]);
    expect([config.get('db.nope.max'), config.get('toString'), config.get('hosts.length.x'), config.get('__proto__')]).toEqual(Array(4).fill(undefined));
    expect(config.snapshot()).toEqual(server.latest.documents.application && { db: { pool: { max: 10 } }, hosts: ['x'], 'example.com': { a: 1 }, n: null, z: 0, f: false });
  });

  it('takes a published revision, keeps the identity of what did not change, and reports it applied', async () => {
    const config = await world.connect<Record<string, unknown>>(server.url);
    const before = config.snapshot();
    const { revision, etag } = server.publish({ db: { url: 'a', pool: { min: 1, max: 20 } }, hosts: ['x', 'y'], log: 'info' });
    await eventually(() => config.status().revision === revision);
    const after = config.snapshot();
    expect(config.get('db.pool.max')).toBe(20);
    expect(after.hosts).toBe(before.hosts);
    expect(after.db).not.toBe(before.db);
    await eventually(() => server.reports.some((report) => report.state === 'applied' && report.revision === revision && report.etag === etag));
  });

  it('freezes everything', async () => {
    server.publish({ a: { b: [{ c: 1 }] } }, { extra: { format: 'yaml', value: { d: {} } } });
    const config = await world.connect(server.url);
    const frozen = (value: unknown): boolean =>
      typeof value !== 'object' || value === null || (Object.isFrozen(value) && Object.values(value).every(frozen));
    expect(frozen(config.snapshot())).toBe(true);
    expect(frozen(config.snapshot('extra'))).toBe(true);
    server.publish({ a: { b: [{ c: 2 }, {}] } });
    await eventually(() => config.get('a.b.0.c') === 2);
    expect(frozen(config.snapshot())).toBe(true);
  });

  it('serves other documents, text ones as text', async () => {
    server.publish({ a: 1 }, { 'logback.xml': { format: 'text', text: '<x/>' }, limits: { format: 'toml', value: { rate: 5 } } });
    const config = await world.connect(server.url);
    expect(config.snapshot('logback.xml')).toBe('<x/>');
    expect(config.snapshot('limits')).toEqual({ rate: 5 });
    expect(config.snapshot('nope')).toBeUndefined();
    expect(config.snapshot('toString')).toBeUndefined();
  });

  it('has an empty config while the main document does not exist', async () => {
    server.publishDocuments({ other: { format: 'text', text: 'x' } });
    const config = await world.connect(server.url);
    expect(config.snapshot()).toEqual({});
  });

  it('lets __proto__, constructor and prototype through as data', async () => {
    const value = JSON.parse('{"__proto__":{"polluted":1},"a":{"constructor":{"prototype":{"__proto__":2}}}}');
    server.publish(value);
    const config = await world.connect(server.url);
    expect(JSON.stringify(config.snapshot())).toBe(JSON.stringify(value));
    expect(config.get('__proto__.polluted')).toBe(1);
    expect(Object.getPrototypeOf(config.snapshot())).toBe(Object.prototype);
    server.deltas = true;
    server.publish(JSON.parse('{"__proto__":{"polluted":2},"a":{"constructor":{"prototype":{"__proto__":3}}}}'));
    await eventually(() => config.get('__proto__.polluted') === 2);
    expect(config.get('a.constructor.prototype.__proto__')).toBe(3);
    expect(({} as { polluted?: number }).polluted).toBeUndefined();
  });

  it('applies deltas, sharing what they do not touch', async () => {
    server.deltas = true;
    const config = await world.connect<Record<string, unknown>>(server.url);
    const before = config.snapshot();
    server.publish({ db: { url: 'b', pool: { min: 1, max: 10 } }, hosts: ['x', 'y'], log: 'info' });
    await eventually(() => config.get('db.url') === 'b');
    expect(config.snapshot().hosts).toBe(before.hosts);
    expect(config.get('db.pool')).toBe((before.db as { pool: unknown }).pool);
  });

  it('asks for the whole snapshot when a delta does not lead to its ETag', async () => {
    server.deltas = true;
    const config = await world.connect(server.url);
    server.tamper = (message) => (message.type === 'delta' ? { ...message, patch: [{ op: 'add', path: '/x', value: 1 }] } : message);
    server.publish({ db: { url: 'c' } });
    await eventually(() => config.get('db.url') === 'c');
    expect(server.subscribed).toContain(null);
    expect(server.reports.filter(({ state }) => state === 'refused')).toEqual([]);
  });

  it('refuses a snapshot whose content is not what its ETag says', async () => {
    const config = await world.connect(server.url);
    server.tamper = (message) => (message.type === 'snapshot' ? { ...message, documents: {} } : message);
    const { revision } = server.publish({ db: { url: 'd' } });
    await eventually(() => config.status().lastRefusal?.revision === revision);
    expect(config.status().lastRefusal).toMatchObject({ stage: 'etag', reason: expect.stringContaining('ETag') });
    expect(config.get('db.url')).toBe('a');
    await eventually(() => server.reports.some((report) => report.state === 'refused' && report.revision === revision));
  });

  it('survives messages that are no messages', async () => {
    const config = await world.connect(server.url);
    for (const garbage of [null, 1, 'x', {}, { type: 'snapshot' }, { type: 'delta', patch: 7 }, { type: 'new-in-version-9' }]) {
      server.send(garbage as never);
    }
    server.publish({ alive: true });
    await eventually(() => config.get('alive') === true);
  });

  it('never goes back to a lower revision, and never applies one twice', async () => {
    const config = await world.connect(server.url);
    const applied: ConfigEvents['applied'][] = [];
    config.on('applied', (event) => applied.push(event));
    const second = server.publish({ n: 2 });
    const third = server.publish({ n: 3 });
    server.send(second);
    server.send(third);
    server.send(third);
    server.publish({ n: 4 });
    await eventually(() => config.get('n') === 4);
    expect(applied.map(({ revision }) => revision)).toEqual([2, 3, 4]);
  });

  it('moves its position, and nothing else, with bookmarks and with content it has already', async () => {
    const config = await world.connect(server.url);
    const before = config.snapshot();
    const heard = jest.fn();
    config.on('applied', heard);
    server.bookmark(40);
    await eventually(() => config.status().knownRevision === 40);
    server.publishDocuments(server.latest.documents, 41);
    await eventually(() => config.status().revision === 41);
    expect(config.snapshot()).toBe(before);
    expect(heard).not.toHaveBeenCalled();
  });

  describe('with a schema', () => {
    const schema = z.object({
      db: z.object({ url: z.string(), pool: z.object({ min: z.number(), max: z.number().int().positive() }) }),
      timeout: z.string().default('5s').transform((text) => Number.parseInt(text, 10) * 1000),
      since: z.string().default('2020-01-01').transform((text) => new Date(text)),
    });

    it('reads what the schema makes of it, and shares equal parts of its output', async () => {
      const config = await world.connect(server.url, { schema });
      const before = config.snapshot();
      expect(before.timeout).toBe(5000);
      server.publish({ db: { url: 'b', pool: { min: 1, max: 10 } } });
      await eventually(() => config.get('db.url') === 'b');
      expect(config.snapshot().since).toBe(before.since);
      expect(config.snapshot().db.pool).toBe(before.db.pool);
      expect(Object.isFrozen(config.snapshot().db)).toBe(true);
    });

    it('refuses what it does not accept, says so, keeps the old, and takes the next good one', async () => {
      const config = await world.connect(server.url, { schema });
      const refused = jest.fn();
      config.on('refused', refused);
      const bad = server.publish({ db: { url: 'b', pool: { min: 1, max: -1 } } });
      await eventually(() => config.stale);
      expect(config.get('db.pool.max')).toBe(10);
      expect(config.status().lastRefusal).toMatchObject({ stage: 'validate', revision: bad.revision, reason: expect.stringContaining('db.pool.max') });
      expect(refused).toHaveBeenCalledTimes(1);
      await eventually(() => server.reports.some((report) => report.state === 'refused' && report.reason.includes('db.pool.max')));
      server.publish({ db: { url: 'c', pool: { min: 1, max: 11 } } });
      await eventually(() => config.get('db.url') === 'c');
      expect(config.status().lastRefusal).toBeUndefined();
      expect(config.stale).toBe(false);
    });

    it('applies a delta that the server made against a revision this client has refused', async () => {
      server.deltas = true;
      const config = await world.connect(server.url, { schema });
      server.publish({ db: { url: 'bad', pool: { min: 1, max: -1 } } });
      server.publish({ db: { url: 'bad', pool: { min: 1, max: 12 } } });
      await eventually(() => config.get('db.pool.max') === 12);
      expect(server.subscribed).toEqual([]);
    });

    it('conflates what arrives while an asynchronous schema is at work', async () => {
      let release: () => void = () => undefined;
      const gate = { wait: Promise.resolve() };
      const seen: unknown[] = [];
      const slow = z.record(z.string(), z.unknown()).refine(async (value) => {
        seen.push(value.n);
        await gate.wait;
        return true;
      });
      const config = await world.connect(server.url, { schema: slow });
      gate.wait = new Promise((resolve) => (release = resolve));
      for (let n = 1; n <= 5; n++) server.publish({ n });
      await eventually(() => config.status().knownRevision === server.latest.revision);
      expect(config.get('n')).toBeUndefined();
      release();
      await eventually(() => config.get('n') === 5);
      // zod looks at a value twice when its schema turns out to be asynchronous.
      expect([...new Set(seen)]).toEqual([undefined, 1, 5]);
    });

    it('refuses when an asynchronous schema does not answer in time', async () => {
      let stuck = false;
      const slow = z.record(z.string(), z.unknown()).refine(async () => !stuck || new Promise<boolean>(() => undefined));
      const config = await world.connect(server.url, { schema: slow, applyTimeoutMs: 30 });
      stuck = true;
      server.publish({ n: 1 });
      await eventually(() => config.status().lastRefusal?.reason.includes('30 ms'));
      stuck = false;
      server.publish({ n: 2 });
      await eventually(() => config.get('n') === 2);
    });

    it('refuses when the schema throws, or makes something that cannot be frozen', async () => {
      const outputs: Record<string, () => unknown> = {
        throws: () => {
          throw new Error('broken schema');
        },
        cycle: () => {
          const loop: { self?: unknown } = {};
          loop.self = loop;
          return loop;
        },
      };
      const odd = { '~standard': { version: 1, vendor: 'test', validate: (value: unknown) => ({ value: outputs[(value as { make: string }).make]?.() ?? value }) } } as const;
      const config = await world.connect(server.url, { schema: odd as never });
      server.publish({ make: 'throws' });
      await eventually(() => config.status().lastRefusal?.reason.includes('broken schema'));
      server.publish({ make: 'cycle' });
      await eventually(() => config.status().lastRefusal?.revision === server.latest.revision);
      expect(config.get('log')).toBe('info');
    });
  });
});
