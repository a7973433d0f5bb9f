import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { eventually } from './eventually.js';
import type { FakeServer } from './fake-server.js';
import { World } from './harness.js';

const PASSWORD = 'correct horse "battery"';
const CONFIG = { db: { password: PASSWORD, host: 'pg' } };
const SECRETS = [['application', '/db/password']] as const;

describe('given a config with a secret', () => {
  let world: World;
  let server: FakeServer;
  let path: string;

  beforeEach(async () => {
    world = new World();
    server = await world.server();
    server.notes = { salt: 'of the server', secrets: SECRETS };
    server.publish(CONFIG);
    path = join(await world.folder(), 'orders.json');
  });

  afterEach(() => world.close());

  const restart = (diskKey?: string | Uint8Array) => world.connect(server.url, { diskSnapshot: path, startTimeoutMs: 50, ...(diskKey && { diskKey }) });

  it('checks the ETag with the salt it was made with, of snapshots and deltas', async () => {
    server.deltas = true;
    const config = await world.connect(server.url);
    expect(config.get('db.password')).toBe(PASSWORD);
    const { revision } = server.publish({ db: { password: 'another', host: 'pg' } });
    await eventually(() => config.status().revision === revision);
    expect(server.subscribed).toEqual([]);
    server.tamper = (message) => ({ ...message, salt: 'of somebody else' });
    server.publish({ db: { password: 'a third', host: 'pg' } });
    await eventually(() => config.status().lastRefusal?.stage === 'etag' || server.subscribed.length > 0);
    expect(config.get('db.password')).toBe('another');
  });

  it('is not written to disk without a key: neither is what was written before left there', async () => {
    server.notes = {};
    server.publish({ db: { host: 'pg' } });
    const config = await world.connect(server.url, { diskSnapshot: path });
    await eventually(() => config.status().disk?.savedRevision === 2);
    server.notes = { salt: 's', secrets: SECRETS };
    server.publish(CONFIG);
    await eventually(() => config.status().disk?.error !== undefined);
    server.publish({ ...CONFIG, more: 1 });
    await eventually(() => config.status().revision === 4);
    await config.close();
    expect(world.logger.matching(/no key to encrypt it with/)).toHaveLength(1);
    await expect(readFile(path)).rejects.toThrow('ENOENT');
  });

  it('is encrypted with a key, and started from with the same', async () => {
    const key = randomBytes(32);
    const config = await world.connect(server.url, { diskSnapshot: path, diskKey: key });
    await config.close();
    await server.close();
    const written = await readFile(path, 'latin1');
    expect([written.includes('horse'), written.includes('host'), written.includes('password')]).toEqual([false, false, false]);
    expect((await restart(key.toString('base64'))).get('db.password')).toBe(PASSWORD);
  });

  it.each([
    ['another key', async () => randomBytes(32)],
    ['none', async () => undefined],
  ])('is not started from with %s', async (_what, diskKey) => {
    const config = await world.connect(server.url, { diskSnapshot: path, diskKey: randomBytes(32) });
    await config.close();
    await server.close();
    await expect(restart(await diskKey())).rejects.toThrow(/disk: The snapshot on disk .* is not used: it (was encrypted with another key|is encrypted, and no key)/);
  });

  it('notices when the encrypted copy was changed, also together with its checksum', async () => {
    const key = randomBytes(32);
    await (await world.connect(server.url, { diskSnapshot: path, diskKey: key })).close();
    await server.close();
    const [, text = ''] = (await readFile(path, 'utf8')).split('\n');
    const bytes = Buffer.from(text, 'base64');
    bytes[20] = bytes[20]! ^ 1;
    const changed = bytes.toString('base64');
    const { createHash } = await import('node:crypto');
    const header = { trimtab: 1, sha256: createHash('sha256').update(changed).digest('base64url'), bytes: changed.length, cipher: 'aes-256-gcm' };
    await writeFile(path, `${JSON.stringify(header)}\n${changed}\n`, { mode: 0o600 });
    await expect(restart(key)).rejects.toThrow(/it was encrypted with another key/);
  });

  it.each(['short', 'c2hvcnQ=', new Uint8Array(16)])('refuses the key %j', async (diskKey) => {
    await expect(world.connect(server.url, { diskKey })).rejects.toThrow(/diskKey: 32 bytes are needed/);
  });

  it('keeps what it has when the server cannot open a secret, and says which', async () => {
    const config = await world.connect(server.url);
    server.notes = { secrets: SECRETS, unreadable: [{ document: 'application', path: '/db/password', reason: 'master_key_missing' }] };
    const { revision } = server.publish({ db: { password: 'trimtab:sealed:1:…', host: 'pg' } });
    await eventually(() => server.reports.some((report) => report.state === 'refused' && report.revision === revision));
    expect([config.get('db.password'), config.stale]).toEqual([PASSWORD, true]);
    expect(config.status().lastRefusal).toMatchObject({ stage: 'unseal', reason: 'the server cannot give these secrets in clear text: application /db/password (master_key_missing)' });
    server.notes = { salt: 'again', secrets: SECRETS };
    server.publishDocuments({ application: { format: 'json', value: { db: { password: 'readable', host: 'pg' } } } }, revision);
    await eventually(() => config.get('db.password') === 'readable');
  });

  it.each<[string, (value: typeof CONFIG) => string | undefined, RegExp]>([
    ['an issue at the secret', () => undefined, /^db\.password: the schema does not accept it; it is a secret/],
    ['an issue of what it is part of', (value) => `all of ${JSON.stringify(value)}`, /^the schema does not accept it; it is a secret/],
    ['an issue beside it that quotes it', (value) => `db.host: not with ${value.db.password}`, /^db\.host: not with \[secret\]/],
  ])('does not say it in %s', async (_what, quote, reason) => {
    let refusing = false;
    const schema = z.any().superRefine((value: typeof CONFIG, context) => {
      const message = quote(value);
      const [, at, text] = /^(?:(db\.host): )?(.*)$/.exec(message ?? '') ?? [];
      if (refusing) context.addIssue({ code: 'custom', message: text ?? '', path: message === undefined ? ['db', 'password'] : at === undefined ? [] : at.split('.') });
    });
    await world.connect(server.url, { schema });
    refusing = true;
    server.publish({ ...CONFIG, next: true });
    await eventually(() => server.reports.some(({ state }) => state === 'refused'));
    expect(server.reports.at(-1)).toMatchObject({ reason: expect.stringMatching(reason) });
    expect(JSON.stringify([server.reports, world.logger.lines])).not.toContain('horse');
  });

  it('does not say it when a resource cannot be prepared, in other spellings and in parts of it either', async () => {
    const config = await world.connect(server.url);
    const prepare = async (value: unknown): Promise<object> => {
      const { password } = value as { password: string };
      if (password === PASSWORD) return {};
      throw new Error(`pg://root:${encodeURIComponent(password)}@pg, ${Buffer.from(password).toString('base64')}, ${JSON.stringify(value)}, once ${PASSWORD}`);
    };
    await config.resource('db', { prepare, dispose: () => undefined });
    server.publish({ db: { password: 'next & "last"', host: 'pg' } });
    await eventually(() => server.reports.some(({ state }) => state === 'refused'));
    const said = JSON.stringify([server.reports, world.logger.lines]);
    for (const form of ['next', 'last', 'horse', Buffer.from('next & "last"').toString('base64')]) expect(said).not.toContain(form);
  });

  it('withholds a reason in which so short a secret occurs that it cannot be told from a word', async () => {
    let refusing = false;
    const schema = z.any().transform((value: { db: { password: string } }) => {
      if (refusing) throw new Error(`no ${value.db.password}`);
      return value;
    });
    await world.connect(server.url, { schema });
    refusing = true;
    server.publish({ db: { password: 'abc' } });
    await eventually(() => server.reports.some(({ state }) => state === 'refused'));
    expect(server.reports.at(-1)).toMatchObject({ reason: 'the reason is not shown, because it may show a secret' });
  });
});
