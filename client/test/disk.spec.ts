import { chmod, chown, mkdir, readdir, readFile, stat, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { eventually } from './eventually.js';
import type { FakeServer } from './fake-server.js';
import { World } from './harness.js';

const asRoot = process.getuid?.() === 0;

describe('given a copy on disk', () => {
  let world: World;
  let server: FakeServer;
  let path: string;

  beforeEach(async () => {
    world = new World();
    server = await world.server();
    server.publish({ n: 1 });
    path = join(await world.folder(), 'cache', 'orders.json');
  });

  afterEach(() => world.close());

  const saveOne = async () => {
    const config = await world.connect(server.url, { diskSnapshot: path });
    await config.close();
    await server.close();
  };
  const restart = () => world.connect(server.url, { diskSnapshot: path, startTimeoutMs: 50 });

  it('is written with mode 0600 after every revision, without leaving a temporary file', async () => {
    const config = await world.connect(server.url, { diskSnapshot: path });
    server.publish({ n: 2 });
    await eventually(() => config.status().disk?.savedRevision === 2);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect((await stat(dirname(path))).mode & 0o777).toBe(0o700);
    expect(await readdir(dirname(path))).toEqual(['orders.json']);
    expect(await readFile(path, 'utf8')).toContain('"n":2');
  });

  it('is started from when the server cannot be reached, and stays stale until it can', async () => {
    await saveOne();
    const config = await restart();
    expect(config.get('n')).toBe(1);
    expect(config.status()).toMatchObject({ source: 'disk', revision: 1 });
    expect([config.ready, config.synced, config.stale]).toEqual([true, false, true]);
    expect(world.logger.matching(/^warn: Started from disk/)).toHaveLength(1);
  });

  it('is confirmed by a server that has nothing newer', async () => {
    const first = await world.connect(server.url, { diskSnapshot: path });
    await first.close();
    const config = await world.connect(server.url, { diskSnapshot: path });
    expect(server.handshakes.at(-1)?.since).toEqual({ revision: 1, etag: server.latest.etag });
    expect(config.status()).toMatchObject({ source: 'server', revision: 1, synced: { value: true }, stale: { value: false } });
    expect(config.get('n')).toBe(1);
  });

  it('is brought up to date by a delta', async () => {
    const first = await world.connect(server.url, { diskSnapshot: path });
    await first.close();
    server.deltas = true;
    server.publish({ n: 2 });
    const sent: string[] = [];
    server.tamper = (message) => {
      sent.push(message.type);
      return message;
    };
    const config = await world.connect(server.url, { diskSnapshot: path });
    expect(config.get('n')).toBe(2);
    expect(sent).toEqual(['delta']);
  });

  it.each<[string, RegExp, (content: string) => string | undefined]>([
    ['truncated', /truncated/, (content) => content.slice(0, -10)],
    ['empty', /damaged/, () => ''],
    ['damaged', /checksum/, (content) => content.replace('"n":1', '"n":7')],
    ['something else', /not a snapshot/, () => '{"hello":1}\n{}'],
  ])('is refused, with a clear log, when it is %s', async (_, reason, damage) => {
    await saveOne();
    await writeFile(path, damage(await readFile(path, 'utf8')) ?? '');
    await expect(restart()).rejects.toMatchObject({ code: 'not_started', message: expect.stringMatching(reason) });
    expect(world.logger.matching(reason).length).toBeGreaterThan(0);
  });

  it('is refused when it is of another service or environment', async () => {
    await saveOne();
    const other = world.connect(server.url, { diskSnapshot: path, startTimeoutMs: 50, environment: 'staging' });
    await expect(other).rejects.toThrow('it is of orders@production, not of orders@staging');
  });

  it('is refused when other users could have written it', async () => {
    await saveOne();
    await chmod(path, 0o620);
    await expect(restart()).rejects.toThrow(/other users may write it \(mode 0620\)/);
  });

  // Only root can give a file away.
  (asRoot ? it : it.skip)('is refused when it belongs to another user', async () => {
    await saveOne();
    await chown(path, 65534, 65534);
    await expect(restart()).rejects.toThrow(/belongs to another user \(65534\)/);
  });

  it('is used, with a warning, when other users can read it', async () => {
    await saveOne();
    await chmod(path, 0o644);
    const config = await restart();
    expect(config.get('n')).toBe(1);
    expect(world.logger.matching(/can be read by other users \(mode 0644\)/)).toHaveLength(1);
  });

  it('does not matter to the server: its config wins over a damaged copy', async () => {
    await mkdir(dirname(path));
    await writeFile(path, 'garbage');
    const config = await world.connect(server.url, { diskSnapshot: path });
    expect(config.get('n')).toBe(1);
    await eventually(() => config.status().disk?.savedRevision === 1);
    expect(config.status().disk?.error).toBeUndefined();
  });

  it('never stops a revision when it cannot be written', async () => {
    await writeFile(dirname(path), 'a file where the folder should be');
    const config = await world.connect(server.url, { diskSnapshot: path });
    await eventually(() => config.status().disk?.error !== undefined);
    server.publish({ n: 2 });
    await eventually(() => config.get('n') === 2);
    expect(config.stale).toBe(false);
    expect(world.logger.matching(/^warn: .*could not be saved/).length).toBeGreaterThan(0);
  });

  it('sweeps up what a killed process left half written', async () => {
    await mkdir(dirname(path));
    const abandoned = join(dirname(path), '.orders.json.dead.tmp');
    await writeFile(abandoned, 'half');
    await utimes(abandoned, new Date(0), new Date(0));
    const config = await world.connect(server.url, { diskSnapshot: path });
    await eventually(() => config.status().disk?.savedRevision === 1);
    expect(await readdir(dirname(path))).toEqual(['orders.json']);
  });

  it('keeps __proto__ as the data it is', async () => {
    server.publish(JSON.parse('{"__proto__":{"a":1}}'));
    await saveOne();
    const config = await restart();
    expect(config.get('__proto__.a')).toBe(1);
  });
});
