import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { z } from 'zod';
import { TrimtabError } from '../src/index.js';
import { eventually } from './eventually.js';
import { FakeServer } from './fake-server.js';
import { World } from './harness.js';

async function unusedPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

describe('given a service that starts', () => {
  let world: World;
  let deadUrl: string;

  beforeEach(async () => {
    world = new World();
    deadUrl = `http://127.0.0.1:${await unusedPort()}`;
  });

  afterEach(() => world.close());

  const schema = z.object({ n: z.number().default(7) });

  it('prefers the server to everything else', async () => {
    const server = await world.server();
    server.publish({ n: 1 });
    const config = await world.connect(server.url, { schema, defaults: { n: 3 } });
    expect(config.get('n')).toBe(1);
    expect([config.ready, config.synced, config.stale]).toEqual([true, true, false]);
  });

  it('waits for a server that comes up within the time', async () => {
    const starting = world.connect(deadUrl, { defaults: { n: 3 }, startTimeoutMs: 10_000 });
    const server = await world.server(Number(new URL(deadUrl).port));
    server.publish({ n: 1 });
    expect((await starting).status().source).toBe('server');
  });

  it('starts from the bootstrap file, before the defaults', async () => {
    const bootstrapFile = join(await world.folder(), 'bootstrap.json');
    await writeFile(bootstrapFile, '\uFEFF{"n":2}');
    const config = await world.connect(deadUrl, { schema, bootstrapFile, startTimeoutMs: 20 });
    expect(config.get('n')).toBe(2);
    expect(config.status()).toMatchObject({ source: 'bootstrap', revision: 0 });
  });

  it("starts from the schema's defaults, the weakest source", async () => {
    const bootstrapFile = join(await world.folder(), 'missing.json');
    const config = await world.connect(deadUrl, { schema, bootstrapFile, startTimeoutMs: 20 });
    expect(config.get('n')).toBe(7);
    expect(config.status().source).toBe('defaults');
    expect(world.logger.matching(/Started from defaults: .*missing\.json/)).toHaveLength(1);
  });

  it('does not freeze the defaults it was given', async () => {
    const defaults = { a: { b: 1 } };
    await world.connect(deadUrl, { defaults, startTimeoutMs: 20 });
    expect(Object.isFrozen(defaults.a)).toBe(false);
  });

  it('keeps trying behind, and is synced when the server is there', async () => {
    const config = await world.connect(deadUrl, { schema, startTimeoutMs: 20 });
    expect([config.ready, config.synced, config.stale]).toEqual([true, false, true]);
    const synced = jest.fn();
    config.on('synced', synced);
    const server = await world.server(Number(new URL(deadUrl).port));
    server.publish({ n: 1 });
    await eventually(() => config.get('n') === 1);
    expect(server.handshakes[0]?.since).toBeUndefined();
    expect(config.status()).toMatchObject({ source: 'server', revision: 1, state: 'live' });
    expect(synced).toHaveBeenCalledTimes(1);
  });

  it('rejects, with what was wrong with each source, when there is nothing to start from', async () => {
    const error = await world.connect(deadUrl, { startTimeoutMs: 20 }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(TrimtabError);
    expect(error).toMatchObject({ code: 'not_started' });
    expect((error as Error).message).toMatch(/server: no config within 20 ms.*disk: switched off; bootstrap: no file was named; defaults: there are none/);
  });

  it("rejects with the schema's reason when not even the defaults pass it", async () => {
    const strict = z.object({ url: z.string() });
    await expect(world.connect(deadUrl, { schema: strict, startTimeoutMs: 20 })).rejects.toThrow(/defaults: url: /);
  });

  it('falls back at once, not after the time limit, when the server sends what is refused', async () => {
    const server = await world.server();
    server.publish({ n: 'not a number' });
    const config = await world.connect(server.url, { schema, startTimeoutMs: 60_000 });
    expect(config.status()).toMatchObject({ source: 'defaults', lastRefusal: { revision: 1, stage: 'validate' } });
    await eventually(() => server.reports.some(({ state }) => state === 'refused'));
    expect(config.stale).toBe(true);
  });

  it('falls back at once when the server rejects its key, and says so', async () => {
    const server = await world.server();
    server.refusal = { code: 'unauthenticated', detail: 'The key was revoked.', retry: false };
    const config = await world.connect(server.url, { schema, startTimeoutMs: 60_000, rejectedRetryMs: 40 });
    expect(config.status().state).toBe('rejected');
    await eventually(() => server.handshakes.length >= 3);
    expect(world.logger.matching(/^error: .*The key was revoked\. \(unauthenticated\)/)).toHaveLength(1);
    server.refusal = undefined;
    server.publish({ n: 9 });
    await eventually(() => config.get('n') === 9);
  });

  it('asks for the key at every attempt', async () => {
    const server = await world.server();
    server.publish({ n: 1 });
    let asked = 0;
    const key = async () => {
      asked++;
      if (asked === 1) throw new Error('no such file');
      return `ttk_${asked}`;
    };
    const config = await world.connect(server.url, { key });
    expect(server.handshakes.map((handshake) => handshake.key)).toEqual(['ttk_2']);
    server.cut();
    await eventually(() => server.handshakes.at(-1)?.key === 'ttk_3' && config.status().state === 'live');
  });

  it('tells who it is', async () => {
    const server = await world.server();
    server.publish({});
    const config = await world.connect(server.url, { labels: { zone: 'b' } });
    expect(server.handshakes[0]).toMatchObject({
      protocol: 1,
      key: 'ttk_test',
      service: 'orders',
      environment: 'production',
      instance: { id: config.status().instanceId, library: expect.stringMatching(/^@trimtab\/client \d/), labels: { zone: 'b' } },
    });
  });

  it('names every option that cannot be right', async () => {
    const wrong = world.connect('ftp://x', { key: '', service: 'Not A Name', pollIntervalMs: -1 });
    await expect(wrong).rejects.toMatchObject({ code: 'invalid_options', message: expect.stringMatching(/url:.*key:.*service:.*pollIntervalMs:/) });
  });

  it('leaves nothing open when it does not start', async () => {
    const server = await world.server();
    await expect(world.connect(server.url, { startTimeoutMs: 50 })).rejects.toMatchObject({ code: 'not_started' });
    await eventually(() => server.clients === 0);
  });

  it('uses the path of the url for a server behind a proxy', async () => {
    const server = await FakeServer.start();
    world.own(server);
    server.publish({ n: 1 });
    const seen: string[] = [];
    server.onRequest((url) => seen.push(url));
    await expect(world.connect(`${server.url}/tools/trimtab/`, { startTimeoutMs: 50 })).rejects.toThrow();
    expect(seen[0]).toMatch(/^\/tools\/trimtab\/socket\.io\/\?/);
  });
});
