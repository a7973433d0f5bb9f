import { Logger } from '@nestjs/common';
import { createServer, type Socket } from 'node:net';
import { createTestDatabase, type TestDatabase } from '../../test/support/database';
import { eventually } from '../../test/support/eventually';
import { type Proxy, startProxy } from '../../test/support/proxy';
import { defaultSettings } from '../settings/default-settings';
import { announce, type Topic } from './announce';
import type { Heads } from './heads';
import { LogListener } from './log-listener';

// These paths exist because of what a live server does to a session: they are proven against one, through a proxy.

/** Longer than any test: whoever hears of something sooner has heard it by notification or by reconnecting. */
const NEVER_MS = 600_000;

let database: TestDatabase;
let listeners: LogListener[] = [];

beforeAll(async () => {
  Logger.overrideLogger(false);
  database = await createTestDatabase();
});
afterEach(async () => {
  await Promise.all(listeners.map((listener) => listener.stop()));
  listeners = [];
});
afterAll(() => database.close());

async function listen(url: string, pollIntervalMs: number): Promise<{ listener: LogListener; told: Heads[] }> {
  const listener = new LogListener(defaultSettings({ databaseUrl: url, log: { pollIntervalMs }, database: { connectTimeoutMs: 500 } }));
  listeners.push(listener);
  const told: Heads[] = [];
  listener.subscribe((heads) => void told.push(heads));
  await listener.onModuleInit();
  return { listener, told };
}

async function change(topic: Topic): Promise<void> {
  await database.dataSource.transaction((manager) => announce(manager, topic));
}

async function catalogCounter(): Promise<number> {
  const [row] = await database.dataSource.query<{ value: string }[]>("SELECT value FROM topic_counter WHERE topic = 'catalog'");
  return Number(row?.value);
}

async function terminateListeners(): Promise<number> {
  const rows = await database.dataSource.query<unknown[]>(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'trimtab listener' AND datname = current_database()",
  );
  return rows.length;
}

describe('given a listener that does not poll', () => {
  it('tells where everything stands at first, also to whoever subscribes later', async () => {
    const { listener, told } = await listen(database.url, NEVER_MS);
    await eventually(() => expect(told).toHaveLength(1));
    const late: Heads[] = [];
    listener.subscribe((heads) => void late.push(heads));
    await eventually(() => expect(late).toEqual(told));
    expect(listener.connected).toBe(true);
    expect(listener.lastCheckAt).toBeInstanceOf(Date);
  });

  it.each(['catalog', 'access'] as const)('hears of a change of the %s by its notification', async (topic) => {
    const { told } = await listen(database.url, NEVER_MS);
    await eventually(() => expect(told).toHaveLength(1));
    await change(topic);
    await eventually(() => expect(told.at(-1)?.[topic]).toBe(told[0]![topic] + 1));
  });

  it('hears nothing of a transaction that is rolled back', async () => {
    const { listener, told } = await listen(database.url, NEVER_MS);
    await eventually(() => expect(told).toHaveLength(1));
    const cancelled = database.dataSource.transaction(async (manager) => {
      await announce(manager, 'catalog');
      throw new Error('changed my mind');
    });
    await expect(cancelled).rejects.toThrow('changed my mind');
    expect(await listener.check()).toEqual(told[0]);
  });

  it('answers a check with what is committed by then, and shares one question between many', async () => {
    const { listener } = await listen(database.url, NEVER_MS);
    await change('catalog');
    const answers = await Promise.all(Array.from({ length: 50 }, () => listener.check()));
    expect(answers.map(({ catalog }) => catalog)).toEqual(Array(50).fill(await catalogCounter()));
    expect(new Set(answers).size).toBeLessThanOrEqual(2);
  });

  it('catches up on what happened while its session was terminated', async () => {
    const { listener, told } = await listen(database.url, NEVER_MS);
    expect(await terminateListeners()).toBeGreaterThan(0);
    await change('catalog');
    await eventually(async () => expect(told.at(-1)?.catalog).toBe(await catalogCounter()));
    expect(listener.connected).toBe(true);
  });

  it('is told again what a subscriber failed to take', async () => {
    const { listener } = await listen(database.url, NEVER_MS);
    let calls = 0;
    listener.subscribe(() => {
      if (++calls === 1) throw new Error('not now');
    });
    await eventually(async () => {
      await listener.check();
      expect(calls).toBe(2);
    });
  });

  it('tells nobody anything after it was stopped, however often it is stopped', async () => {
    const { listener, told } = await listen(database.url, NEVER_MS);
    await eventually(() => expect(told).toHaveLength(1));
    await Promise.all([listener.stop(), listener.stop()]);
    await change('catalog');
    await expect(listener.check()).rejects.toMatchObject({ code: 'unavailable' });
    expect(listener.connected).toBe(false);
    expect(told).toHaveLength(1);
  });
});

describe('given a listener behind a network', () => {
  let proxy: Proxy;

  beforeEach(async () => {
    proxy = await startProxy(database.url);
  });
  afterEach(() => proxy.close());

  it('finds out by polling when notifications get lost', async () => {
    const { told } = await listen(database.url, 50);
    await database.dataSource.query("UPDATE topic_counter SET value = value + 1 WHERE topic = 'catalog'");
    await eventually(async () => expect(told.at(-1)?.catalog).toBe(await catalogCounter()));
  });

  it('returns after its connection was cut, also when it takes several attempts', async () => {
    const { listener, told } = await listen(proxy.through(database.url), NEVER_MS);
    proxy.refuse();
    await eventually(() => expect(listener.connected).toBe(false));
    await expect(listener.check()).rejects.toMatchObject({ code: 'unavailable' });
    await change('catalog');
    proxy.accept();
    await eventually(async () => expect(told.at(-1)?.catalog).toBe(await catalogCounter()));
    expect(listener.connected).toBe(true);
  });

  it('notices a connection whose other end has silently gone', async () => {
    const { listener, told } = await listen(proxy.through(database.url), 50);
    await eventually(() => expect(told).toHaveLength(1));
    proxy.halfOpen();
    await change('catalog');
    await eventually(async () => expect(told.at(-1)?.catalog).toBe(await catalogCounter()));
    expect(listener.connected).toBe(true);
  });

  it('starts without a database and finds it later', async () => {
    proxy.refuse();
    const { listener, told } = await listen(proxy.through(database.url), NEVER_MS);
    expect(listener.connected).toBe(false);
    proxy.accept();
    await eventually(() => expect(told).toHaveLength(1));
  });

  it('can be stopped in the middle of connecting to something that does not answer', async () => {
    const sockets = new Set<Socket>();
    const silent = createServer((socket) => sockets.add(socket.resume().on('error', () => undefined)));
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const { port } = silent.address() as { port: number };
    const settings = defaultSettings({ databaseUrl: `postgres://u:p@127.0.0.1:${port}/d`, database: { connectTimeoutMs: NEVER_MS } });
    const listener = new LogListener(settings);
    const started = listener.onModuleInit();
    await eventually(() => expect(sockets.size).toBe(1));
    await listener.stop();
    await started;
    await eventually(() => expect([...sockets].every(({ readableEnded, destroyed }) => readableEnded || destroyed)).toBe(true));
    sockets.forEach((socket) => socket.destroy());
    await new Promise((resolve) => silent.close(resolve));
  });
});
