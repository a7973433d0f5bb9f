import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { findPostmaster } from '../src/database/postmaster';
import { createTestDatabase, type TestDatabase } from './support/database';
import { eventually } from './support/eventually';
import { startProxy } from './support/proxy';
import { launchServerProcess, runServerProcess, startServerProcess } from './support/server-process';

/** Whole processes are started, some of them at the same time. */
jest.setTimeout(120_000);

/** What a person sees of a failure: one line, about what to do. */
function expectSentence(stderr: string): void {
  expect(stderr.trim().split('\n')).toHaveLength(1);
  expect(stderr).not.toMatch(/^\s+at /m);
}

describe('given nothing but a folder', () => {
  let folder: string;
  let data: string;

  beforeEach(() => {
    folder = path.join(mkdtempSync(path.join(tmpdir(), 'trimtab-start-')), 'data');
    data = path.join(folder, 'postgres', 'data');
  });
  afterEach(async () => {
    const postmaster = findPostmaster(data);
    if (postmaster.kind === 'running') process.kill(postmaster.pid, 'SIGQUIT');
    await eventually(() => expect(findPostmaster(data).kind).not.toBe('running'));
    rmSync(path.dirname(folder), { recursive: true, force: true });
  });

  const start = (): ReturnType<typeof startServerProcess> => startServerProcess({ TRIMTAB_DATA: folder });

  it('starts, shows the token at the first start only, and leaves nothing running', async () => {
    const first = await start();
    expect(first.token).toMatch(/^tta_/);
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    const answer = await fetch(`${first.url}/api/v1/services`, { headers: { authorization: `Bearer ${first.token}` } });
    expect(answer.status).toBe(200);
    expect(await first.kill('SIGTERM')).toMatchObject({ code: 0 });
    expect(findPostmaster(data).kind).toBe('none');

    const second = await start();
    expect(second.token).toBeUndefined();
    expect((await fetch(`${second.url}/health/ready`)).status).toBe(200);
    expect(await second.kill('SIGINT')).toMatchObject({ code: 0 });
    expect(findPostmaster(data).kind).toBe('none');
  });

  it('attaches to the Postgres that a killed server has left', async () => {
    const first = await start();
    await first.kill('SIGKILL');
    const left = findPostmaster(data);
    expect(left.kind).toBe('running');

    const second = await start();
    expect(findPostmaster(data)).toEqual(left);
    await second.kill();
    expect(findPostmaster(data).kind).toBe('none');
  });

  it('starts again after Postgres itself was killed, and its pid has been given to someone else', async () => {
    const first = await start();
    const left = findPostmaster(data);
    await first.kill('SIGKILL');
    if (left.kind === 'running') process.kill(left.pid, 'SIGKILL');
    await eventually(() => expect(findPostmaster(data).kind).not.toBe('running'));
    const pidFile = path.join(data, 'postmaster.pid');
    writeFileSync(pidFile, readFileSync(pidFile, 'utf8').replace(/^.*/, String(process.pid)));

    const second = await start();
    expect((await fetch(`${second.url}/health/ready`)).status).toBe(200);
    await second.kill();
  });

  it('makes one cluster when several servers start at once, and stops it with the last', async () => {
    const servers = await Promise.all([start(), start(), start()]);
    expect(servers.map(({ token }) => token).filter((token) => token !== undefined)).toHaveLength(1);
    expect(readdirSync(folder)).toEqual(['postgres']);
    const running = findPostmaster(data);
    await servers[0].kill();
    await servers[1].kill();
    expect(findPostmaster(data)).toEqual(running);
    expect((await fetch(`${servers[2].url}/health/ready`)).status).toBe(200);
    await servers[2].kill();
    expect(findPostmaster(data).kind).toBe('none');
  });

  it('is not stopped by a cluster that was only half made', async () => {
    mkdirSync(path.join(folder, 'new-4194304-abcd', 'data'), { recursive: true });
    writeFileSync(path.join(folder, 'new-4194304-abcd', 'data', 'PG_VERSION'), '18\n');
    const server = await start();
    await server.kill();
    expect(readdirSync(folder)).toEqual(['postgres']);
  });

  it('serves again by itself when Postgres was killed and started anew by another process', async () => {
    const first = await start();
    const left = findPostmaster(data);
    if (left.kind === 'running') process.kill(left.pid, 'SIGKILL');
    await eventually(async () => expect((await fetch(`${first.url}/health/ready`)).status).toBe(503), { timeoutMs: 30_000 });
    const second = await start();
    await eventually(async () => expect((await fetch(`${first.url}/health/ready`)).status).toBe(200), { timeoutMs: 30_000 });
    await Promise.all([first.kill(), second.kill()]);
    expect(findPostmaster(data).kind).toBe('none');
  });

  it('stops in order when the signal comes while it is starting', async () => {
    const { child, exited } = await launchServerProcess({ TRIMTAB_DATA: folder });
    await eventually(() => expect(existsSync(data)).toBe(true), { timeoutMs: 60_000 });
    child.kill('SIGTERM');
    expect(await exited).toMatchObject({ code: 0, stderr: '' });
    expect(findPostmaster(data).kind).toBe('none');
  });

  it('says in one sentence that a port is taken, and leaves nothing running', async () => {
    const other: Server = createServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const { port } = other.address() as { port: number };
    const { code, stderr } = await runServerProcess({ TRIMTAB_DATA: folder, PORT: String(port) });
    other.close();
    expect(code).toBe(1);
    expectSentence(stderr);
    expect(stderr).toContain(`Port ${port}`);
    expect(findPostmaster(data).kind).toBe('none');

    const next = await start();
    expect(next.token).toMatch(/^tta_/);
    await next.kill();
  });

  it('says in one sentence that a folder cannot be used', async () => {
    writeFileSync(folder, 'a file');
    const { code, stderr } = await runServerProcess({ TRIMTAB_DATA: folder });
    expect(code).toBe(1);
    expectSentence(stderr);
    expect(stderr).toContain(folder);
  });
});

describe('given a DATABASE_URL', () => {
  let database: TestDatabase;

  beforeAll(async () => {
    database = await createTestDatabase();
  });
  afterAll(() => database.close());

  it('uses it and starts no Postgres', async () => {
    const folder = path.join(tmpdir(), `trimtab-unused-${process.pid}`);
    const server = await startServerProcess({ DATABASE_URL: database.url, TRIMTAB_DATA: folder });
    expect((await fetch(`${server.url}/health/ready`)).status).toBe(200);
    expect(await server.kill()).toMatchObject({ code: 0 });
    expect(existsSync(folder)).toBe(false);
  });

  it.each([
    ['nobody answers', 'postgres://u:s3cret@127.0.0.1:1/trimtab', /No Postgres answers at 127\.0\.0\.1:1\/trimtab/],
    ['the host is unknown', 'postgres://u:s3cret@no-such-host.invalid/trimtab', /cannot be found/],
  ])('says in one sentence that %s', async (_what, url, expected) => {
    const { code, stderr } = await runServerProcess({ DATABASE_URL: url });
    expect(code).toBe(1);
    expectSentence(stderr);
    expect(stderr).toMatch(expected);
    expect(stderr).not.toContain('s3cret');
  });

  it.each([
    ['the password is wrong', (url: URL) => (url.password = 's3cret'), /refuses the user or the password/],
    ['the database does not exist', (url: URL) => (url.pathname = '/nothing_here'), /no such database/],
  ])('says in one sentence that %s', async (_what, spoil, expected) => {
    const url = new URL(database.url);
    spoil(url);
    const { code, stderr } = await runServerProcess({ DATABASE_URL: url.href });
    expect(code).toBe(1);
    expectSentence(stderr);
    expect(stderr).toMatch(expected);
    expect(stderr).not.toContain('s3cret');
  });

  it('does not wait for ever for a server that accepts and says nothing', async () => {
    const proxy = await startProxy(database.url);
    proxy.pause();
    const { code, stderr } = await runServerProcess({ DATABASE_URL: proxy.through(database.url), TRIMTAB_DATABASE_CONNECT_TIMEOUT_MS: '300' });
    await proxy.close();
    expect(code).toBe(1);
    expectSentence(stderr);
    expect(stderr).toContain('did not answer within 300 ms');
  });

  it('exits with 2 and names every wrong setting', async () => {
    const { code, stdout, stderr } = await runServerProcess({ DATABASE_URL: database.url, PORT: 'http', TRIMTAB_LOG_LEVEL: 'loud' });
    expect(code).toBe(2);
    expect(stdout).toBe('');
    expect(stderr.trim().split('\n').map((line) => line.split(' ')[0])).toEqual(['PORT', 'TRIMTAB_LOG_LEVEL']);
  });
});
