import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { findPostmaster } from '../src/database/postmaster';
import { createTestDatabase, type TestDatabase } from './support/database';
import { eventually } from './support/eventually';
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

  it('shows the token at the first start only, a link for the first administrator until there is one, and attaches to the Postgres that a killed server has left', async () => {
    const first = await start();
    expect(first.token).toMatch(/^tta_/);
    const answer = await fetch(`${first.url}/api/v1/services`, { headers: { authorization: `Bearer ${first.token}` } });
    expect(answer.status).toBe(200);
    await first.kill('SIGKILL');
    const left = findPostmaster(data);
    expect(left.kind).toBe('running');

    const second = await start();
    expect(findPostmaster(data)).toEqual(left);
    expect(second.token).toBeUndefined();
    const setUp = (secret: string | undefined) =>
      fetch(`${second.url}/api/v1/setup`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ secret, login: 'ada', name: 'Ada', password: 'quiet lamp on the stair' }) });
    const [before, now] = [first, second].map(({ stdout }) => /\/#setup=(ttl_\w+)$/m.exec(stdout())?.[1]);
    expect([(await setUp(before)).status, (await setUp(now)).status, (await setUp(now)).status]).toEqual([404, 201, 404]);
    expect(first.stderr() + second.stderr()).not.toMatch(/ttl_/);
    expect((await fetch(`${second.url}/health/ready`)).status).toBe(200);
    expect(await second.kill('SIGTERM')).toMatchObject({ code: 0, stderr: '' });
    expect(findPostmaster(data).kind).toBe('none');
  });

  it('starts twice at once on one cluster, and serves again by itself after Postgres was killed', async () => {
    const [first, second] = await Promise.all([start(), start()]);
    expect([first.token, second.token].filter((token) => token !== undefined)).toHaveLength(1);
    const left = findPostmaster(data);
    if (left.kind === 'running') process.kill(left.pid, 'SIGKILL');
    await eventually(() => expect(findPostmaster(data).kind).not.toBe('running'));
    const third = await start();
    for (const { url } of [first, second, third]) {
      await eventually(async () => expect((await fetch(`${url}/health/ready`)).status).toBe(200), { timeoutMs: 30_000 });
    }
    await Promise.all([first.kill('SIGINT'), second.kill(), third.kill()]);
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

  it('says in one sentence that it cannot be reached', async () => {
    const { code, stdout, stderr } = await runServerProcess({ DATABASE_URL: 'postgres://u:s3cret@127.0.0.1:1/trimtab' });
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expectSentence(stderr);
    expect(stderr).toContain('No Postgres answers');
    expect(stderr).not.toContain('s3cret');
  });

  it('exits with 2 and names every wrong setting', async () => {
    const { code, stdout, stderr } = await runServerProcess({ DATABASE_URL: database.url, PORT: 'http', TRIMTAB_LOG_LEVEL: 'loud' });
    expect(code).toBe(2);
    expect(stdout).toBe('');
    expect(stderr.trim().split('\n').map((line) => line.split(' ')[0])).toEqual(['PORT', 'TRIMTAB_LOG_LEVEL']);
  });
});
