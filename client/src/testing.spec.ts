import { inspect } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { z } from 'zod';
import { TrimtabError } from './errors.js';
import { createInMemoryClient, type InMemoryConfig } from './testing.js';
import type { ChangeEvent } from './watchers.js';
import { RecordingLogger } from '../test/harness.js';
import { eventually } from '../test/eventually.js';

interface AppConfig {
  db: { url: string; pool: { min: number; max: number } };
  hosts: string[];
  log: string;
}

const initial: AppConfig = { db: { url: 'a', pool: { min: 1, max: 10 } }, hosts: ['x'], log: 'info' };

describe('given an in-memory client', () => {
  let config: InMemoryConfig<AppConfig>;
  let logger: RecordingLogger;

  beforeEach(async () => {
    logger = new RecordingLogger();
    config = await createInMemoryClient<AppConfig>(initial, { logger });
  });

  afterEach(() => config.close());

  const withMax = (max: number): AppConfig => ({ ...initial, db: { ...initial.db, pool: { min: 1, max } } });

  describe('publish', () => {
    it('applies, counts revisions and reports', async () => {
      expect(await config.publish(withMax(20))).toEqual({ state: 'applied', revision: 2 });
      expect(await config.publish(withMax(20))).toEqual({ state: 'unchanged', revision: 3 });
      expect(config.get('db.pool.max')).toBe(20);
      expect(config.reports.map(({ state, revision }) => `${state} ${revision}`)).toEqual(['applied 1', 'applied 2']);
    });

    it('does not freeze or change what it was given', async () => {
      const next = withMax(5);
      await config.publish(next);
      next.db.pool.max = 6;
      expect(config.get('db.pool.max')).toBe(5);
    });

    it('refuses what the schema refuses, at the start by rejecting', async () => {
      const schema = z.object({ n: z.number() });
      await expect(createInMemoryClient({ n: 'x' }, { schema })).rejects.toThrow(TrimtabError);
      const checked = await createInMemoryClient({ n: 1 }, { schema });
      expect(await checked.publish({ n: 'x' })).toMatchObject({ state: 'refused', stage: 'validate', reason: expect.stringContaining('n: ') });
      expect(checked.get('n')).toBe(1);
      expect(checked.stale).toBe(true);
      await checked.close();
    });

    it('reports a reason that the server takes, whatever the schema says', async () => {
      const messages = ['', 'x'.repeat(100_000), 'a\0b'];
      const schema = { '~standard': { version: 1, vendor: 'test', validate: (value: unknown) => (value === 0 ? { value } : { issues: [{ message: messages.shift() ?? '' }] }) } } as const;
      const odd = await createInMemoryClient(0, { schema: schema as never });
      for (const next of [1, 2, 3]) await odd.publish(next);
      const reasons = odd.reports.flatMap((report) => (report.state === 'refused' ? [report.reason] : []));
      expect(reasons).toEqual(['no reason was given', `${'x'.repeat(1999)}…`, 'a\uFFFDb']);
    });

    it('goes offline and comes back', () => {
      expect([config.ready, config.synced, config.stale]).toEqual([true, true, false]);
      const events: boolean[] = [];
      config.on('stale', ({ value }) => events.push(value));
      config.disconnect('pulled the plug');
      expect(config.stale).toBe(true);
      expect(config.status().stale.reason).toContain('pulled the plug');
      config.reconnect();
      expect(config.stale).toBe(false);
      expect(events).toEqual([true, false]);
    });

    it('carries text documents', async () => {
      const events: ChangeEvent[] = [];
      config.watchDocument('motd', (event) => events.push(event));
      await config.publish(initial, { motd: 'hello' });
      expect(config.snapshot('motd')).toBe('hello');
      expect(events).toMatchObject([{ previous: undefined, next: 'hello', revision: 2 }]);
    });
  });

  it('shows no secrets when it is logged', async () => {
    const secret = await createInMemoryClient({ password: 'hunter2' });
    expect(inspect(secret, { depth: 10 })).not.toContain('hunter2');
    expect(JSON.stringify(secret)).not.toContain('hunter2');
  });

  describe('watch', () => {
    it('fires only when the selected part has changed, with where', async () => {
      const pool: ChangeEvent[] = [];
      const log: ChangeEvent[] = [];
      config.watch('db.pool', (event) => pool.push(event));
      config.watch('log', (event) => log.push(event));
      await config.publish(withMax(20));
      expect(log).toEqual([]);
      expect(pool).toMatchObject([{ previous: { min: 1, max: 10 }, next: { min: 1, max: 20 }, revision: 2 }]);
      expect(pool[0]?.changedPaths).toEqual(['db.pool.max']);
    });

    it('tells of parts that come and go', async () => {
      const events: ChangeEvent[] = [];
      const untyped = await createInMemoryClient({});
      untyped.watch('a', (event) => events.push(event));
      await untyped.publish({ a: { 'b.c': 1, d: [1] } });
      await untyped.publish({ a: { 'b.c': 1, d: [1, 2], e: {} } });
      await untyped.publish({});
      expect(events.map(({ changedPaths }) => changedPaths)).toEqual([['/a/b.c', 'a.d'], ['a.d', 'a.e'], ['/a/b.c', 'a.d', 'a.e']]);
    });

    it('sees the new revision in the listener, and nothing after it was stopped', async () => {
      const seen: number[] = [];
      const stop = config.watch('db.pool.max', () => seen.push(config.get('db.pool.max')));
      await config.publish(withMax(20));
      stop();
      await config.publish(withMax(30));
      expect(seen).toEqual([20]);
    });

    it('fences listeners that throw or reject', async () => {
      const heard = jest.fn();
      config.watch('db', () => {
        throw new Error('listener broke');
      });
      config.watch('db', () => Promise.reject(new Error('listener rejected')));
      config.on('applied', () => {
        throw new Error('event listener broke');
      });
      config.watch('db', heard);
      expect(await config.publish(withMax(20))).toMatchObject({ state: 'applied' });
      expect(heard).toHaveBeenCalledTimes(1);
      await eventually(() => logger.matching(/broke|rejected/).length === 3);
    });
  });

  describe('value', () => {
    it('is live, and can be watched', async () => {
      const pool = config.value('db.pool');
      const seen = jest.fn();
      const stop = pool.watch(({ next }) => seen(next.max));
      await config.publish(withMax(20));
      expect(pool.current.max).toBe(20);
      expect(seen).toHaveBeenCalledWith(20);
      stop();
    });
  });

  describe('runPinned', () => {
    it('keeps one revision for the whole asynchronous call tree', async () => {
      const handle = config.value('db.pool.max');
      const pinned = config.runPinned(async () => {
        const before = config.get('db.pool.max');
        await config.publish(withMax(20));
        await new Promise((resolve) => setTimeout(resolve, 1));
        const nested = config.runPinned(() => config.get('db.pool.max'));
        return [before, config.get('db.pool.max'), config.snapshot().db.pool.max, handle.current, nested, config.get(['db', 'pool', 'max'])];
      });
      await eventually(() => config.get('db.pool.max') === 20);
      expect(await pinned).toEqual([10, 10, 10, 10, 10, 10]);
      expect(config.get('db.pool.max')).toBe(20);
      expect(config.runPinned(() => config.get('db.pool.max'))).toBe(20);
    });

    it('shows listeners the revision they are told about, even when it is published from inside', async () => {
      const seen: number[] = [];
      config.watch('db', () => seen.push(config.get('db.pool.max')));
      await config.runPinned(() => config.publish(withMax(20)));
      expect(seen).toEqual([20]);
    });

    it('keeps work pinned that outlives the call', async () => {
      let late: Promise<number> | undefined;
      config.runPinned(() => {
        late = new Promise((resolve) => setTimeout(() => resolve(config.get('db.pool.max')), 20));
      });
      await config.publish(withMax(20));
      expect(await late).toBe(10);
    });

    it('forgets a pinned snapshot when nobody can be looking at it any more', async () => {
      setFlagsFromString('--expose-gc');
      const collect = runInNewContext('gc') as () => void;
      await config.runPinned(async () => config.get('log'));
      const gone = jest.fn();
      const registry = new FinalizationRegistry(gone);
      registry.register(config.snapshot(), undefined);
      await config.publish({ db: {}, hosts: [], log: 'warn' });
      await eventually(() => {
        collect();
        return gone.mock.calls.length > 0;
      });
    });
  });

  describe('resource', () => {
    class Pool {
      disposed = false;
      constructor(readonly max: number) {}
    }

    const hooks = (log: string[], fail: (max: number) => boolean = () => false, name = 'pool') => ({
      prepare: async ({ max }: { readonly max: number }, { revision }: { revision: number }) => {
        await Promise.resolve();
        if (fail(max)) throw new Error(`no pool of ${max}`);
        log.push(`${name} prepare ${max}@${revision}`);
        return new Pool(max);
      },
      commit: (next: Pool, previous: Pool | undefined) => void log.push(`${name} commit ${next.max} after ${previous?.max}, config ${config.get('db.pool.max')}`),
      dispose: (previous: Pool) => {
        previous.disposed = true;
        log.push(`${name} dispose ${previous.max}`);
      },
    });

    it('is ready anew before the old one is given up', async () => {
      const log: string[] = [];
      const pool = await config.resource('db.pool', hooks(log));
      const old = pool.current;
      await config.publish(withMax(20));
      expect(pool.current.max).toBe(20);
      expect(old.disposed).toBe(true);
      await config.publish({ ...withMax(20), log: 'debug' });
      expect(log).toEqual([
        'pool prepare 10@1',
        'pool commit 10 after undefined, config 10',
        'pool prepare 20@2',
        'pool commit 20 after 10, config 20',
        'pool dispose 10',
      ]);
    });

    it('refuses the revision when one cannot be prepared, and disposes of those that could', async () => {
      const log: string[] = [];
      const good = await config.resource('db.pool', hooks(log, undefined, 'good'));
      const bad = await config.resource('db.pool', hooks(log, (max) => max > 15, 'bad'));
      const result = await config.publish(withMax(20));
      expect(result).toMatchObject({ state: 'refused', stage: 'prepare', reason: "'db.pool' could not be prepared: no pool of 20" });
      expect([good.current.max, bad.current.max, config.get('db.pool.max')]).toEqual([10, 10, 10]);
      await eventually(() => log.includes('good dispose 20'));
      expect(log.filter((line) => line.includes('commit 20'))).toEqual([]);
      expect(await config.publish(withMax(12))).toMatchObject({ state: 'applied' });
      expect([good.current.max, bad.current.max]).toEqual([12, 12]);
    });

    it('refuses when preparing takes too long, tells it by the signal, and disposes of what comes late', async () => {
      const hasty = await createInMemoryClient<AppConfig>(initial, { applyTimeoutMs: 20 });
      let finish: (pool: Pool) => void = () => undefined;
      let signal: AbortSignal | undefined;
      const dispose = jest.fn();
      const pool = await hasty.resource('db.pool', {
        prepare: (next, context) => {
          if (next.max === 10) return new Pool(10);
          ({ signal } = context);
          return new Promise<Pool>((resolve) => (finish = resolve));
        },
        dispose,
      });
      expect(await hasty.publish(withMax(20))).toMatchObject({ state: 'refused', stage: 'prepare', reason: expect.stringContaining('20 ms') });
      expect(signal?.aborted).toBe(true);
      finish(new Pool(20));
      await eventually(() => dispose.mock.calls.length === 1);
      expect(pool.current.max).toBe(10);
      await hasty.close();
    });

    it('rejects when the first one cannot be made', async () => {
      await expect(config.resource('db.pool', hooks([], () => true))).rejects.toMatchObject({ code: 'prepare_failed' });
      expect(await config.publish(withMax(20))).toMatchObject({ state: 'applied' });
    });

    it('survives hooks that throw when it is too late to refuse', async () => {
      const pool = await config.resource('db.pool', {
        prepare: ({ max }) => new Pool(max),
        commit: () => {
          throw new Error('commit broke');
        },
        dispose: () => Promise.reject(new Error('dispose broke')),
      });
      expect(await config.publish(withMax(20))).toMatchObject({ state: 'applied' });
      expect(pool.current.max).toBe(20);
      await eventually(() => logger.matching(/broke/).length === 3);
    });

    it('stops following when it is closed, and all are disposed of with the config', async () => {
      const log: string[] = [];
      const first = await config.resource('db.pool', hooks(log, undefined, 'first'));
      await config.resource('db.pool', hooks(log, undefined, 'second'));
      await first.close();
      await config.publish(withMax(20));
      await config.close();
      expect(log.filter((line) => line.startsWith('first'))).toEqual(['first prepare 10@1', 'first commit 10 after undefined, config 10', 'first dispose 10']);
      expect(log.at(-1)).toBe('second dispose 20');
      await expect(config.resource('db.pool', hooks(log))).rejects.toMatchObject({ code: 'closed' });
      expect(config.get('db.pool.max')).toBe(20);
    });

    it('aborts what is being prepared when the config is closed', async () => {
      let signal: AbortSignal | undefined;
      await config.resource('db.pool', {
        prepare: ({ max }, context) => {
          ({ signal } = context);
          return max === 10 ? new Pool(max) : new Promise<Pool>(() => undefined);
        },
        dispose: () => undefined,
      });
      const publishing = config.publish(withMax(20)).catch((error: unknown) => error);
      await eventually(() => signal?.aborted === false);
      await config.close();
      await publishing;
      expect(signal?.aborted).toBe(true);
      expect(config.get('db.pool.max')).toBe(10);
    });
  });

  describe('restart-only keys', () => {
    it('keeps the value the process started with, applies the rest, and says what waits', async () => {
      const kept = await createInMemoryClient({ server: { port: 80, host: 'a' }, log: 'info' }, { restartOnly: ['server.port', 'tls'], logger });
      const events: (readonly string[])[] = [];
      kept.on('restartRequired', ({ paths }) => events.push(paths));
      await kept.publish({ server: { port: 81, host: 'b' }, log: 'debug', tls: { cert: 'x' } });
      expect(kept.snapshot()).toEqual({ server: { port: 80, host: 'b' }, log: 'debug' });
      expect(kept.status().restartRequired).toEqual(['server.port', 'tls']);
      const { server } = kept.snapshot();
      await kept.publish({ server: { port: 82, host: 'b' }, log: 'warn' });
      expect(kept.status().restartRequired).toEqual(['server.port']);
      expect(kept.snapshot().server).toBe(server);
      await kept.publish({ server: { port: 80, host: 'b' }, log: 'warn' });
      expect(kept.status().restartRequired).toEqual([]);
      await kept.publish({ log: 'warn' });
      expect(kept.get('server.port')).toBe(80);
      expect(events).toEqual([['server.port', 'tls'], ['server.port'], [], ['server.port']]);
      expect(logger.matching(/takes a restart/).length).toBeGreaterThan(0);
      await kept.close();
    });
  });
});
