import { Api } from './support/api';
import { createTestDatabase, type TestDatabase } from './support/database';
import { eventually } from './support/eventually';
import { startProxy, type Proxy } from './support/proxy';
import { administratorToken, startServer, type TestServer } from './support/server';
import { startServerProcess, type ServerProcess } from './support/server-process';

const YAML = { 'content-type': 'application/yaml' };
const inMs = (ms: number): string => new Date(Date.now() + ms).toISOString();

describe('given processes that end', () => {
  const env = { TRIMTAB_SCHEDULE_POLL_INTERVAL_MS: '20', TRIMTAB_SCHEDULE_TAKE_OVER_MS: '1000' };
  let own: TestDatabase;
  let client: Api;

  let token: string;
  const processes: ServerProcess[] = [];

  beforeAll(async () => {
    own = await createTestDatabase();
    token = await administratorToken(own);
  });
  afterAll(async () => {
    await Promise.all(processes.map((process) => process.kill('SIGKILL')));
    await own.close();
  });

  const start = async (): Promise<ServerProcess> => {
    const process = await startServerProcess({ DATABASE_URL: own.url, ...env });
    processes.push(process);
    client = new Api(process.url, token);
    return process;
  };

  const ownChange = async (title: string): Promise<string> => {
    const path = `/api/v1/changes/${(await client.must('POST', '/api/v1/changes', { title })).json.id}`;
    await client.must('PUT', `${path}/services/orders/environments/production/documents/${title}`, 'a: 1\n', YAML);
    return path;
  };

  const revisionsOf = async (title: string): Promise<number> => {
    const [{ count }] = await own.dataSource.query(`SELECT count(*)::int AS count FROM revision WHERE message = $1`, [title]);
    return count as number;
  };

  it('publishes what one of them had begun when it was killed, once; and what was due while none was there', async () => {
    const first = await start();
    await client.given({ production: 'base' }, ['orders']);
    const change = await ownChange('begun');
    // Whoever publishes waits for the log, and is killed while it does: the job is taken and nothing is committed.
    const holder = own.dataSource.createQueryRunner();
    await holder.connect();
    await holder.query('SELECT pg_advisory_lock(8848, 2)');
    await client.must('PUT', `${change}/schedule`, { at: inMs(200), edition: 2 });
    await eventually(async () => {
      const [{ waiting }] = await own.dataSource.query(`SELECT count(*)::int AS waiting FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND classid = 8848 AND objid = 2`);
      expect(waiting).toBe(1);
    });
    const [{ state }] = await own.dataSource.query(`SELECT state FROM job_queue.job`);
    expect(state).toBe('active');
    await first.kill('SIGKILL');
    await holder.query('SELECT pg_advisory_unlock(8848, 2)');
    await holder.release();
    expect(await revisionsOf('begun')).toBe(0);

    const second = await start();
    await eventually(async () => expect(await revisionsOf('begun')).toBe(1), { timeoutMs: 15_000 });

    const missed = await ownChange('missed');
    await client.must('PUT', `${missed}/schedule`, { at: inMs(700), edition: 2 });
    const { code } = await second.kill('SIGTERM');
    expect([code, await revisionsOf('missed')]).toEqual([0, 0]);
    await eventually(async () => {
      const [{ due }] = await own.dataSource.query(`SELECT bool_or(at < now()) AS due FROM change_schedule WHERE change_id = ${missed.split('/').pop()}`);
      expect(due).toBe(true);
    });
    // The jobs are gone as well, as after restoring a backup of the tables alone.
    await own.dataSource.query('DELETE FROM job_queue.job');
    await start();
    await eventually(async () => expect(await revisionsOf('missed')).toBe(1));
    expect(await revisionsOf('begun')).toBe(1);
  }, 120_000);
});

describe('given a database that is away when the time comes', () => {
  let own: TestDatabase;
  let proxy: Proxy;
  let server: TestServer;
  let client: Api;

  beforeAll(async () => {
    own = await createTestDatabase();
    proxy = await startProxy(own.url);
    const overrides = { databaseUrl: proxy.through(own.url), database: { connectTimeoutMs: 500 }, schedule: { pollIntervalMs: 20, takeOverMs: 1_000 } };
    server = await startServer(overrides, own);
    client = new Api(server.url, server.token);
    await client.given({ production: 'base' }, ['orders']);
  });
  afterAll(async () => {
    await server.close();
    await proxy.close();
    await own.close();
  });

  it('publishes once it is back, also what was lost between the commit and its answer', async () => {
    const { json } = await client.must('POST', '/api/v1/changes', { title: 'Away' });
    const change = `/api/v1/changes/${json.id}`;
    await client.must('PUT', `${change}/services/orders/environments/production/documents/application`, 'a: 1\n', YAML);
    await client.must('PUT', `${change}/schedule`, { at: inMs(600_000), edition: 2 });
    proxy.refuse();
    await own.dataSource.query(`UPDATE job_queue.job SET start_after = now() - interval '1 second'`);
    await eventually(async () => expect((await client.get('/health/ready?for=publishing')).status).toBe(503));
    proxy.accept();
    await eventually(async () => expect((await own.dataSource.query(`SELECT FROM revision WHERE message = 'Away'`)).length).toBe(1));
    // As it is when the answer to a commit is lost: the job is taken for not done.
    await eventually(async () => expect((await own.dataSource.query(`SELECT FROM job_queue.job WHERE state = 'completed'`)).length).toBe(1));
    await own.dataSource.query(`UPDATE job_queue.job SET state = 'retry', completed_on = NULL`);
    await eventually(async () => expect((await own.dataSource.query(`SELECT FROM job_queue.job WHERE state = 'completed'`)).length).toBe(1));
    expect((await own.dataSource.query(`SELECT FROM revision WHERE message = 'Away'`)).length).toBe(1);
    expect((await client.must('GET', change)).json).toMatchObject({ status: 'published', review: { schedule: { state: 'done' } } });
  });
});
