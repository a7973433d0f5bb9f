import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { LIBRARY } from '../src/version.js';
import { FakeServer } from './fake-server.js';

const run = promisify(execFile);
const root = join(__dirname, '..');

const body = `
  const config = await connect({ url: process.argv[2], key: 'k', service: 'orders', environment: 'production', diskSnapshot: false });
  const local = await createInMemoryClient({ a: 1 });
  const again = await createInMemoryClient({ a: 2 });
  await local.publish({ a: 3 });
  console.log(JSON.stringify([config.get('db.pool.max'), local.get('a'), again.get('a'), etagOf({}).length, PROTOCOL_VERSION, TrimtabError.name]));
  await config.close();
`;
const consumers = {
  'consumer.mjs': `
    import { connect, TrimtabError } from '@trimtab/client';
    import { createInMemoryClient } from '@trimtab/client/testing';
    import { etagOf, PROTOCOL_VERSION } from '@trimtab/client/protocol';
    ${body}`,
  'consumer.cjs': `
    const { connect, TrimtabError } = require('@trimtab/client');
    const { createInMemoryClient } = require('@trimtab/client/testing');
    const { etagOf, PROTOCOL_VERSION } = require('@trimtab/client/protocol');
    (async () => {${body}})();`,
};
const typed = `
  import { connect, type Config } from '@trimtab/client';
  import { createInMemoryClient } from '@trimtab/client/testing';
  import type { SnapshotMessage } from '@trimtab/client/protocol';
  export const config: Promise<Config<{ a: number }>> = connect<{ a: number }>({ url: '', key: '', service: '', environment: '' });
  export const a: Promise<number> = createInMemoryClient<{ a: number }>({ a: 1 }).then((local) => local.get('a'));
  export type Message = SnapshotMessage;
`;

describe('given the built package', () => {
  let folder: string;
  let server: FakeServer;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'trimtab-package-'));
    // The package as npm would lay it out: the built files and the manifest, its dependencies found above it.
    const installed = join(folder, 'node_modules/@trimtab/client');
    await mkdir(installed, { recursive: true });
    await run(process.execPath, [join(root, 'scripts/build.mjs'), '--out', join(installed, 'dist')]);
    await writeFile(join(installed, 'package.json'), await readFile(join(root, 'package.json')));
    for (const dependency of ['socket.io-client', '@standard-schema', '@types']) {
      await symlink(join(root, '../node_modules', dependency), join(folder, 'node_modules', dependency));
    }
    for (const [name, source] of Object.entries(consumers)) await writeFile(join(folder, name), source);
    for (const name of ['typed.mts', 'typed.cts']) await writeFile(join(folder, name), typed);
    server = await FakeServer.start();
    server.publish({ db: { pool: { max: 10 } } });
  }, 120_000);

  afterAll(async () => {
    await server.close();
    await rm(folder, { recursive: true, force: true });
  });

  it.each(Object.keys(consumers))('works for a %s, and lets the process end when it is closed', async (name) => {
    const { stdout, stderr } = await run(process.execPath, [join(folder, name), server.url], { timeout: 20_000 });
    expect(stderr).toBe('');
    expect(JSON.parse(stdout)).toEqual([10, 3, 2, 45, 1, 'TrimtabError']);
  });

  it('has types that both kinds of consumer can use', async () => {
    const tsc = join(root, '../node_modules/typescript/bin/tsc');
    const options = ['--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2022', '--types', 'node'];
    const result = await run(process.execPath, [tsc, ...options, 'typed.mts', 'typed.cts'], { cwd: folder }).catch((error: { stdout: string }) => error);
    expect(result.stdout).toBe('');
  }, 60_000);

  it('does not keep a process alive that has lost its server', async () => {
    const lost = `
      import { connect } from '@trimtab/client';
      const config = await connect({ url: 'http://127.0.0.1:9', key: 'k', service: 'a', environment: 'b', diskSnapshot: false, defaults: { a: 1 }, startTimeoutMs: 50, logger: { debug() {}, info() {}, warn() {}, error() {} } });
      console.log(config.get('a'), config.stale);`;
    await writeFile(join(folder, 'lost.mjs'), lost);
    const { stdout } = await run(process.execPath, [join(folder, 'lost.mjs')], { timeout: 20_000 });
    expect(stdout.trim()).toBe('1 true');
  });

  it('holds no specs, and introduces itself with the version of its manifest', async () => {
    const files = await readdir(join(folder, 'node_modules/@trimtab/client/dist'), { recursive: true });
    expect(files.filter((file) => /spec|test\//.test(file))).toEqual([]);
    const { name, version, dependencies } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { name: string; version: string; dependencies: object };
    expect(LIBRARY).toBe(`${name} ${version}`);
    expect(Object.keys(dependencies)).toEqual(['@standard-schema/spec', 'socket.io-client']);
  });
});
