import { Api, layerPath, type Answer } from './support/api';
import { createTestDatabase, type TestDatabase } from './support/database';
import { eventually } from './support/eventually';
import { aPerson, type TestPerson } from './support/people';
import { administratorToken, startServer, type TestServer } from './support/server';

/** Two replicas that look for what is due, on one database. */
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

async function mustSchedule(change: string, who: Api = ada.api): Promise<void> {
  const { status, text } = await schedule(change, inMs(600_000), who);
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

const idOf = (change: string): number => Number(change.split('/').pop());

/** The moment has come for all jobs of the change, whatever the clock says. */
const dueNow = async (change: string): Promise<void> => {
  await database.dataSource.query(`UPDATE job_queue.job SET start_after = now() - interval '1 second' WHERE data->>'change' = $1 AND state = 'created'`, [String(idOf(change))]);
};

/** What was due before has been looked at: jobs are taken in the order they were set. */
const lookedAtAll = async (): Promise<void> => {
  const change = await aChange();
  await mustSchedule(change);
  await dueNow(change);
  await published(change);
};

describe('given a scheduled change', () => {
  it('is published at its time, not before, once, in the name of who scheduled it', async () => {
    const change = await aChange();
    const at = inMs(2_000);
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
    for (const change of changes) await mustSchedule(change);
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
    await mustSchedule(change);
    await edit(change);
    expect((await stateOf(change)).review.schedule.state).toBe('void');
    await dueNow(change);
    expect(await failed(change)).toMatchObject({ code: 'precondition_failed' });
    const { json } = await api.must('GET', '/api/v1/audit?action=change.schedule-fail&limit=1');
    expect(json.items[0]).toMatchObject({ actor: { kind: 'system' }, subject: { code: 'precondition_failed', scheduledBy: { person: { name: 'Ada' } } } });
    await mustSchedule(change);
    await dueNow(change);
    await published(change);
  });

  it('is not published when it was taken back', async () => {
    const change = await aChange();
    await mustSchedule(change);
    expect((await ada.api.request('DELETE', `${change}/schedule`)).status).toBe(204);
    await dueNow(change);
    await lookedAtAll();
    expect((await stateOf(change)).status).toBe('open');
    expect((await ada.api.request('DELETE', `${change}/schedule`)).json.code).toBe('schedule_not_found');
  });

  it('is not published when it was taken back while it was being published', async () => {
    const change = await aChange();
    const holder = database.dataSource.createQueryRunner();
    await holder.connect();
    await holder.query('SELECT pg_advisory_lock(8848, 2)');
    await mustSchedule(change);
    await dueNow(change);
    await eventually(async () => {
      const [{ waiting }] = await database.dataSource.query(`SELECT count(*)::int AS waiting FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND classid = 8848 AND objid = 2`);
      expect(waiting).toBe(1);
    });
    expect((await ada.api.request('DELETE', `${change}/schedule`)).status).toBe(204);
    await holder.query('SELECT pg_advisory_unlock(8848, 2)');
    await holder.release();
    await lookedAtAll();
    expect(await stateOf(change)).toMatchObject({ status: 'open', review: { mayPublish: true } });
  });

  it('is left alone by the job of a schedule it no longer has', async () => {
    const change = await aChange();
    await mustSchedule(change);
    await database.dataSource.query('UPDATE change_schedule SET job_id = gen_random_uuid() WHERE change_id = $1', [idOf(change)]);
    await dueNow(change);
    await lookedAtAll();
    expect((await stateOf(change)).review.schedule.state).toBe('waiting');
    await mustSchedule(change);
    await dueNow(change);
    await published(change);
  });

  it('is held against what is so at its time: approvals that are missing by then', async () => {
    const change = await aChange();
    await mustSchedule(change);
    await api.must('PATCH', '/api/v1/environments/production', { requiredApprovals: 1 });
    await dueNow(change);
    expect(await failed(change)).toMatchObject({ code: 'approval_required' });
    const ben = await aPerson(database, api, 'Ben', { role: 'approver' });
    await ben.api.must('POST', `${change}/reviews`, { verdict: 'approve', edition: (await stateOf(change)).edition });
    await mustSchedule(change);
    await dueNow(change);
    await published(change);
    await api.must('PATCH', '/api/v1/environments/production', { requiredApprovals: null });
  });

  it('is held against what is so at its time: a conflict', async () => {
    const change = await aChange();
    await mustSchedule(change);
    await api.must('PUT', `${layerPath('orders@production')}/documents/doc${counter}`, 'n: other\n', YAML);
    await dueNow(change);
    expect(await failed(change)).toMatchObject({ code: 'change_conflict' });
  });

  it('tells why it was not published to nobody who may not view what that names', async () => {
    await api.given({}, ['library', 'reader']);
    await api.include('reader@base', 'library');
    await api.must('PUT', `${layerPath('reader@base')}/schemas/shared`, '{"properties":{"n":{"maximum":1}}}', { 'content-type': 'application/schema+json' });
    const change = `/api/v1/changes/${(await ada.api.must('POST', '/api/v1/changes', { title: 'Tonight' })).json.id}`;
    await ada.api.must('PUT', `${change}${layerPath('library@base').slice('/api/v1'.length)}/documents/shared`, 'n: 2\n', YAML);
    await mustSchedule(change);
    await dueNow(change);
    expect(await failed(change)).toMatchObject({ code: 'schema_violation', detail: expect.stringContaining('reader@base') });
    const viewer = await aPerson(database, api, 'Val', { role: 'viewer', services: 'library' });
    const { review } = (await viewer.api.must('GET', change)).json;
    expect(review.schedule).toMatchObject({ state: 'failed', failure: { code: 'schema_violation' } });
    expect(JSON.stringify(review)).not.toContain('reader');
  });

  it.each([
    ['may no longer publish', ({ id }: TestPerson) => database.dataSource.query(`DELETE FROM access_grant WHERE subject = $1`, [id])],
    ['was disabled', ({ id }: TestPerson) => database.dataSource.query(`UPDATE person SET disabled_at = now() WHERE id = $1`, [id])],
    ['used a token that was revoked', ({ token }: TestPerson) => database.dataSource.query(`UPDATE credential SET revoked_at = now() WHERE id = $1`, [token])],
  ])('is not published when who scheduled it %s', async (_how, leave) => {
    const gone = await aPerson(database, api, 'Guy', { role: 'owner' });
    const change = await aChange(gone.api);
    await mustSchedule(change, gone.api);
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
    await mustSchedule(change);
    await database.dataSource.query(`UPDATE job_queue.job SET retry_count = 10, started_on = now() WHERE id = (SELECT job_id FROM change_schedule WHERE change_id = $1)`, [
      idOf(change),
    ]);
    await dueNow(change);
    expect(await failed(change)).toMatchObject({ code: 'unavailable' });
  });
});
