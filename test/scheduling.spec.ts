import { Api, layerPath, type Answer } from './support/api';
import { createTestDatabase, type TestDatabase } from './support/database';
import { eventually } from './support/eventually';
import { aPerson, type TestPerson } from './support/people';
import { administratorToken, startServer, type TestServer } from './support/server';
import { startServerProcess, type ServerProcess } from './support/server-process';

/** Two replicas that look for what is due, on one database; those that are killed are processes of their own. */
const SCHEDULE = { schedule: { pollIntervalMs: 20, takeOverMs: 1_000 } };
const YAML = { 'content-type': 'application/yaml' };

let database: TestDatabase;
let replicas: TestServer[];
let api: Api;
let ada: TestPerson;
let counter = 0;

beforeAll(async () => {
  database = await createTestDatabase();
  replicas = [await startServer(SCHEDULE, database), await startServer(SCHEDULE, database)];
  api = new Api(replicas[0]!.url, await administratorToken(database));
  await api.given({ production: 'base', staging: 'base' }, ['orders']);
  ada = await aPerson(database, api, 'Ada', { role: 'owner' });
});
afterAll(async () => {
  await Promise.all(replicas.map((replica) => replica.close()));
  await database.close();
});

async function aChange(author: Api = ada.api): Promise<string> {
  const path = `/api/v1/changes/${(await author.must('POST', '/api/v1/changes', { title: 'Tonight' })).json.id}`;
  await edit(path, author);
  return path;
}

function edit(change: string, author: Api = ada.api): Promise<Answer> {
  const document = `doc${(counter += 1)}`;
  return author.must('PUT', `${change}${layerPath('orders@production').slice('/api/v1'.length)}/documents/${document}`, `n: ${counter}\n`, YAML);
}

const stateOf = async (change: string) => (await api.must('GET', change)).json;
const inMs = (ms: number): string => new Date(Date.now() + ms).toISOString();

async function schedule(change: string, at: string, who: Api = ada.api): Promise<Answer> {
  return who.request('PUT', `${change}/schedule`, { at, edition: (await stateOf(change)).edition });
}

async function mustSchedule(change: string, ms: number, who: Api = ada.api): Promise<void> {
  const { status, text } = await schedule(change, inMs(ms), who);
  if (status !== 200) throw new Error(text);
}

const published = (change: string) =>
  eventually(async () => {
    const state = await stateOf(change);
    expect(state.status).toBe('published');
    return state;
  });

const failed = (change: string) =>
  eventually(async () => {
    const { status, review } = await stateOf(change);
    expect([status, review.schedule.state]).toEqual(['open', 'failed']);
    return review.schedule.failure as { code: string; detail: string };
  });

/** The moment has come, whatever the clock says. */
const dueNow = async (change: string): Promise<void> => {
  await database.dataSource.query(
    `UPDATE job_queue.job SET start_after = now() - interval '1 second' WHERE id = (SELECT job_id FROM change_schedule WHERE change_id = $1)`,
    [Number(change.split('/').pop())],
  );
};

describe('given a scheduled change', () => {
  it('is published at its time, not before, once, in the name of who scheduled it', async () => {
    const change = await aChange();
    const at = inMs(500);
    expect((await schedule(change, at)).json).toMatchObject({ at, state: 'waiting', scheduledBy: { person: { name: 'Ada' } } });
    const { revision } = await published(change);
    const [row] = await database.dataSource.query<{ early: boolean; actor: object; revisions: number }[]>(
      `SELECT r.created_at < $2::timestamptz AS early, r.actor, (SELECT count(*)::int FROM revision WHERE message = 'Tonight' AND id >= $1) AS revisions
         FROM revision r WHERE r.id = $1`,
      [revision, at],
    );
    expect(row).toMatchObject({ early: false, revisions: 1, actor: { person: { id: ada.id } } });
    expect((await stateOf(change)).review.schedule.state).toBe('done');
    const { json } = await api.must('GET', '/api/v1/audit?action=change.publish&limit=1');
    expect(json.items[0].subject).toMatchObject({ scheduled: true });
  });

  it('is published once by many that are woken for the same at the same time', async () => {
    const changes = await Promise.all(Array.from({ length: 8 }, () => aChange()));
    const before = (await api.must('GET', '/api/v1/revisions?limit=1')).json.items[0].revision as number;
    for (const change of changes) await mustSchedule(change, 60_000);
    await Promise.all(changes.map(dueNow));
    // As if each process had been thought dead: every job is handed out again and again while it is worked on.
    for (let round = 0; round < 20; round += 1) {
      await database.dataSource.query(`UPDATE job_queue.job SET state = 'retry', start_after = now() - interval '1 second' WHERE state IN ('active', 'completed')`);
    }
    await Promise.all(changes.map(published));
    expect((await api.must('GET', '/api/v1/revisions?limit=1')).json.items[0].revision).toBe(before + changes.length);
  });

  it('is not published when it was edited since, and says so', async () => {
    const change = await aChange();
    await mustSchedule(change, 60_000);
    await edit(change);
    expect((await stateOf(change)).review.schedule.state).toBe('void');
    await dueNow(change);
    expect(await failed(change)).toMatchObject({ code: 'precondition_failed' });
    const { json } = await api.must('GET', '/api/v1/audit?action=change.schedule-fail&limit=1');
    expect(json.items[0]).toMatchObject({ actor: { kind: 'system' }, subject: { code: 'precondition_failed', scheduledBy: { person: { name: 'Ada' } } } });
    await mustSchedule(change, 200);
    await published(change);
  });

  it('is not published when it was taken back', async () => {
    const change = await aChange();
    await mustSchedule(change, 300);
    expect((await ada.api.request('DELETE', `${change}/schedule`)).status).toBe(204);
    const later = await aChange();
    await mustSchedule(later, 400);
    await published(later);
    expect((await stateOf(change)).status).toBe('open');
    expect((await ada.api.request('DELETE', `${change}/schedule`)).json.code).toBe('schedule_not_found');
  });

  it('is published when it was scheduled anew, at the new time only', async () => {
    const change = await aChange();
    await mustSchedule(change, 300);
    await mustSchedule(change, 60_000);
    const other = await aChange();
    await mustSchedule(other, 400);
    await published(other);
    expect((await stateOf(change)).status).toBe('open');
    await dueNow(change);
    await published(change);
  });

  it('is held against what is so at its time: approvals that are missing by then', async () => {
    const change = await aChange();
    await mustSchedule(change, 60_000);
    await api.must('PATCH', '/api/v1/environments/production', { requiredApprovals: 1 });
    await dueNow(change);
    expect(await failed(change)).toMatchObject({ code: 'approval_required' });
    const ben = await aPerson(database, api, 'Ben', { role: 'approver' });
    await ben.api.must('POST', `${change}/reviews`, { verdict: 'approve', edition: (await stateOf(change)).edition });
    await mustSchedule(change, 100);
    await published(change);
    await api.must('PATCH', '/api/v1/environments/production', { requiredApprovals: null });
  });

  it('is held against what is so at its time: a conflict', async () => {
    const change = await aChange();
    await mustSchedule(change, 60_000);
    await api.must('PUT', `${layerPath('orders@production')}/documents/doc${counter}`, 'n: other\n', YAML);
    await dueNow(change);
    expect(await failed(change)).toMatchObject({ code: 'change_conflict' });
  });

  it.each([
    ['may no longer publish', ({ id }: TestPerson) => database.dataSource.query(`DELETE FROM access_grant WHERE subject = $1`, [id])],
    ['was disabled', ({ id }: TestPerson) => database.dataSource.query(`UPDATE person SET disabled_at = now() WHERE id = $1`, [id])],
    ['used a token that was revoked', ({ token }: TestPerson) => database.dataSource.query(`UPDATE credential SET revoked_at = now() WHERE id = $1`, [token])],
  ])('is not published when who scheduled it %s', async (_how, leave) => {
    const gone = await aPerson(database, api, 'Guy', { role: 'owner' });
    const change = await aChange(gone.api);
    await mustSchedule(change, 60_000, gone.api);
    await leave(gone);
    await dueNow(change);
    expect(await failed(change)).toMatchObject({ code: 'forbidden' });
  });

  it('refuses a time that has passed, one that is far away, and an edition that has', async () => {
    const change = await aChange();
    const { edition } = await stateOf(change);
    const attempts = [
      await schedule(change, inMs(-1_000)),
      await schedule(change, inMs(400 * 86_400_000)),
      await ada.api.request('PUT', `${change}/schedule`, { at: inMs(60_000), edition: edition + 1 }),
      await ada.api.request('PUT', `${change}/schedule`, { at: 'tomorrow', edition }),
    ];
    expect(attempts.map(({ status }) => status)).toEqual([400, 400, 412, 400]);
  });

  it('is given up, and says so, after having been begun again and again', async () => {
    const change = await aChange();
    await mustSchedule(change, 60_000);
    await database.dataSource.query(`UPDATE job_queue.job SET retry_count = 10, started_on = now() WHERE id = (SELECT job_id FROM change_schedule WHERE change_id = $1)`, [
      Number(change.split('/').pop()),
    ]);
    await dueNow(change);
    expect(await failed(change)).toMatchObject({ code: 'unavailable' });
  });
});

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
  }, 60_000);
});
