import { randomUUID } from 'node:crypto';
import { Api, layerPath, type Answer } from './support/api';
import { eventually } from './support/eventually';
import { aPerson, aServiceToken, grantTo, type TestPerson } from './support/people';
import { startServer, type TestServer } from './support/server';

let server: TestServer;
let api: Api;
let ada: TestPerson;
let ben: TestPerson;
let eve: TestPerson;
let pipeline: Api;

const YAML = { 'content-type': 'application/yaml' };
let counter = 0;

beforeAll(async () => {
  server = await startServer();
  api = new Api(server.url, server.token);
  await api.given({ staging: 'base', production: 'base', 'production-eu': 'production' }, ['orders', 'billing', 'common', 'old']);
  ada = await aPerson(server.database, api, 'Ada', { role: 'owner' });
  ben = await aPerson(server.database, api, 'Ben', { role: 'approver' });
  eve = await aPerson(server.database, api, 'Eve', { role: 'owner' });
  pipeline = await aServiceToken(server.database, api, [{ role: 'publisher' }], eve);
  await api.putYaml('common@base', 'log: info\n');
  await api.putYaml('orders@base', 'pool: 1\n');
  await api.putYaml('orders@production', 'own: 1\n');
  await api.include('orders@base', 'common');
  await api.include('old@base', 'common');
  await api.must('DELETE', '/api/v1/services/old');
  await protect('production', 1);
});
afterAll(() => server.close());

const protect = (environment: string, requiredApprovals: number | null): Promise<Answer> =>
  api.must('PATCH', `/api/v1/environments/${environment}`, { requiredApprovals });

/** A change that sets a key to what it never was. */
async function aChange(author: Api, layer = 'orders@production'): Promise<string> {
  const path = `/api/v1/changes/${(await author.must('POST', '/api/v1/changes', { title: 'Larger' })).json.id}`;
  await edit(author, path, layer);
  return path;
}

function edit(author: Api, change: string, layer = 'orders@production'): Promise<Answer> {
  return author.must('PUT', `${change}${layerPath(layer).slice('/api/v1'.length)}/documents/application`, `own: ${(counter += 1)}\n`, YAML);
}

const stateOf = async (change: string) => (await api.must('GET', change)).json;

async function review(who: { readonly api: Api }, change: string, verdict = 'approve', edition?: number): Promise<Answer> {
  return who.api.post(`${change}/reviews`, { verdict, edition: edition ?? (await stateOf(change)).edition, comment: 'Looked at' });
}

async function mustReview(who: { readonly api: Api }, change: string, verdict = 'approve'): Promise<number> {
  const { status, json, text } = await review(who, change, verdict);
  if (status !== 201) throw new Error(text);
  return json.id as number;
}

const outcome = ({ status, json }: Answer): [number, string | undefined] => [status, json?.code];
const publish = async (who: { readonly api: Api }, change: string, body?: object) => outcome(await who.api.post(`${change}/publish`, body));

const PUBLISHED = [200, undefined];
const UNAPPROVED = [409, 'approval_required'];

describe('given a protected environment', () => {
  it('refuses every way to write into it directly, and says what to do', async () => {
    const refused = await Promise.all([
      api.putYaml('orders@production', 'own: direct\n'),
      api.patch('orders@production-eu', { own: 'direct' }),
      api.request('DELETE', `${layerPath('orders@production')}/documents/application`),
      api.include('billing@production', 'common'),
      api.request('PUT', `${layerPath('billing@production')}/schemas/application`, { type: 'object' }),
      api.post(`${layerPath('orders@production')}/rollback`, { version: 0 }),
      api.post('/api/v1/revisions/3/rollback', {}),
      api.post('/api/v1/imports', { files: [{ path: 'orders-production.yml', content: 'own: imported\n' }, { path: 'brand-new.yml', content: 'a: 1\n' }] }),
    ]);
    expect(refused.map(outcome)).toEqual(refused.map(() => UNAPPROVED));
    expect(refused[0]!.json.approvals).toEqual({
      needed: 1,
      have: 0,
      reached: [
        { service: 'orders', environment: 'production', requiredApprovals: 1 },
        { service: 'orders', environment: 'production-eu', requiredApprovals: 1 },
      ],
    });
    expect((await api.get('/api/v1/services/brand-new')).status).toBe(404);
  });

  it('refuses what reaches it by inheritance and by includes, be it only a comment or another format', async () => {
    expect(outcome(await api.putYaml('orders@base', 'pool: 2\n'))).toEqual(UNAPPROVED);
    const byLibrary = await api.putYaml('common@base', 'log: debug\n');
    expect(outcome(byLibrary)).toEqual(UNAPPROVED);
    // What an archived service has is still read in production.
    expect(byLibrary.json.approvals.reached).toEqual(expect.arrayContaining([{ service: 'old', environment: 'production', requiredApprovals: 1 }]));
    expect(outcome(await api.putYaml('common@base', '# quietly\nlog: info\n'))).toEqual(UNAPPROVED);
    const asJson = await api.request('PUT', `${layerPath('common@base')}/documents/application`, '{"log":"info"}', { 'content-type': 'application/json' });
    expect(outcome(asJson)).toEqual(UNAPPROVED);
  });

  it('lets through at once what does not reach it', async () => {
    expect((await api.putYaml('orders@staging', 'own: staging\n')).status).toBe(200);
    // Production has a value of its own for this key.
    const overridden = await api.patch('orders@base', { own: 'base' });
    expect([overridden.status, overridden.json.approvals]).toEqual([200, { needed: 0, reached: [] }]);
  });

  it('says beforehand what would be needed', async () => {
    const { json } = await api.must('PUT', `${layerPath('orders@base')}/documents/application?dryRun=true`, 'pool: 2\n', YAML);
    expect(json.approvals).toMatchObject({ needed: 1, reached: [{ service: 'orders', environment: 'production' }, { service: 'orders', environment: 'production-eu' }] });
  });

  it('names what is reached only to those who may see it', async () => {
    const stranger = await aServiceToken(server.database, api, [{ role: 'publisher', services: 'common' }]);
    const { json } = await stranger.putYaml('common@base', 'log: warn\n');
    expect(json).toMatchObject({ code: 'approval_required', approvals: { needed: 1, reached: [{ service: 'common', environment: 'production' }, { service: 'common', environment: 'production-eu' }] } });
    expect(JSON.stringify(json)).not.toMatch(/orders|old/);
  });

  it('asks for as many approvals as the strictest of a lineage', async () => {
    await protect('production-eu', 2);
    const europe = await aChange(ada.api, 'orders@production-eu');
    const above = await aChange(ada.api, 'orders@production');
    await mustReview(ben, europe);
    expect(await publish(ada, europe)).toEqual(UNAPPROVED);
    expect((await stateOf(above)).review.approvals).toMatchObject({ needed: 2, have: 0 });
    await mustReview(eve, europe);
    expect(await publish(ada, europe)).toEqual(PUBLISHED);
    await protect('production-eu', null);
  });

  it('is protected from the very commit, also where nobody has told of it yet', async () => {
    await server.database.dataSource.transaction(async (manager) => {
      await manager.query(`UPDATE environment SET required_approvals = 1 WHERE name = 'staging'`);
      await manager.query(`UPDATE topic_counter SET value = value + 1 WHERE topic = 'environments'`);
    });
    expect(outcome(await api.putYaml('orders@staging', 'own: late\n'))).toEqual(UNAPPROVED);
    await protect('staging', null);
  });

  it('takes and loses its protection only by administrators, on record', async () => {
    expect(outcome(await ada.api.request('PATCH', '/api/v1/environments/production', { requiredApprovals: null }))).toEqual([403, 'forbidden']);
    expect((await api.request('PATCH', '/api/v1/environments/production', { requiredApprovals: 0 })).status).toBe(400);
    await protect('staging', 3);
    await protect('staging', null);
    const { json } = await api.must('GET', '/api/v1/audit?action=environment.update&limit=2');
    expect(json.items.map(({ subject, changed }: { subject: object; changed: object }) => [subject, changed])).toEqual([
      [{ environment: 'staging' }, expect.objectContaining({ requiredApprovals: { before: 3, after: null } })],
      [{ environment: 'staging' }, expect.objectContaining({ requiredApprovals: { before: null, after: 3 } })],
    ]);
  });
});

describe('given a change that needs an approval', () => {
  let change: string;

  beforeEach(async () => {
    change = await aChange(ada.api);
  });

  it('is published once somebody else has approved it', async () => {
    expect(await publish(ada, change)).toEqual(UNAPPROVED);
    const review = await mustReview(ben, change);
    expect((await ada.api.must('GET', change)).json.review).toMatchObject({
      approvals: { needed: 1, have: 1 },
      mayPublish: true,
      reasons: [],
      reviews: [{ id: review, verdict: 'approve', reviewer: { person: { name: 'Ben' } }, comment: 'Looked at', counts: true }],
    });
    expect(await publish(ada, change)).toEqual(PUBLISHED);
    const { json } = await api.must('GET', '/api/v1/audit?action=change.publish&limit=1');
    expect(json.items[0].subject.approvals).toEqual({ needed: 1, by: ['Ben'] });
  });

  it('takes no approval of who wrote any of it, by whatever means', async () => {
    expect(outcome(await review(ada, change))).toEqual([403, 'approval_not_allowed']);
    await edit(pipeline, change);
    expect(outcome(await review({ api: pipeline }, change))).toEqual([403, 'forbidden']);
    // The pipeline's token is of Eve's making.
    expect(outcome(await review(eve, change))).toEqual([403, 'approval_not_allowed']);
    expect((await stateOf(change)).contributors).toEqual([expect.objectContaining({ person: { id: ada.id, name: 'Ada' } }), expect.objectContaining({ name: 'A pipeline' })]);
    expect(outcome(await review(ben, change))).toEqual([201, undefined]);
  });

  it('takes no approval of a token that is nobody', async () => {
    const approving = await aServiceToken(server.database, api, [{ role: 'owner' }]);
    expect(outcome(await review({ api: approving }, change))).toEqual([403, 'approval_not_allowed']);
  });

  it('takes no approval of who may not approve every layer of it', async () => {
    const narrow = await aPerson(server.database, api, 'Nia', { role: 'viewer' }, { role: 'approver', services: 'orders' });
    expect(outcome(await review(narrow, change))).toEqual([201, undefined]);
    await edit(ada.api, change, 'billing@production');
    expect(outcome(await review(narrow, change))).toEqual([403, 'forbidden']);
  });

  it.each([
    ['an edit', (path: string) => edit(ada.api, path)],
    ['another title', (path: string) => ada.api.must('PATCH', path, { title: 'Approved by everybody' })],
  ])('loses its approvals by %s', async (_what, act) => {
    await mustReview(ben, change);
    await act(change);
    expect((await stateOf(change)).review).toMatchObject({ approvals: { have: 0 }, mayPublish: false, reasons: [{ code: 'approval_required' }], reviews: [{ counts: false }] });
    expect(await publish(ada, change)).toEqual(UNAPPROVED);
    await mustReview(ben, change);
    expect(await publish(ada, change)).toEqual(PUBLISHED);
  });

  it('refuses a review of an edition that is no longer the present one', async () => {
    const { edition } = await stateOf(change);
    await edit(ada.api, change);
    expect(outcome(await review(ben, change, 'approve', edition as number))).toEqual([412, 'precondition_failed']);
  });

  it('forgets the approval of who has withdrawn it, and only they can', async () => {
    const id = await mustReview(ben, change);
    expect(outcome(await eve.api.request('DELETE', `${change}/reviews/${id}`))).toEqual([403, 'forbidden']);
    expect((await ben.api.request('DELETE', `${change}/reviews/${id}`)).status).toBe(204);
    expect(outcome(await ben.api.request('DELETE', `${change}/reviews/${id}`))).toEqual([404, 'review_not_found']);
    expect(await publish(ada, change)).toEqual(UNAPPROVED);
    const { json } = await api.must('GET', `${change}/reviews`);
    expect(json.items).toEqual([expect.objectContaining({ id, verdict: 'approve', withdrawnAt: expect.any(String) })]);
  });

  it('is withdrawn by no tool that is limited to less than giving it', async () => {
    const id = await mustReview(ben, change, 'request-changes');
    const limited = await aPerson(server.database, api, 'Limited', { role: 'approver' });
    const theirs = await mustReview(limited, change, 'request-changes');
    await grantTo(server.database, 'token', limited.token, { role: 'viewer' });
    await api.must('PUT', `/api/v1/groups/nobodies/members/${limited.id}`);
    await eventually(async () => expect((await limited.api.must('GET', '/api/v1/session')).json.limits).toHaveLength(1));
    expect(outcome(await limited.api.request('DELETE', `${change}/reviews/${theirs}`))).toEqual([403, 'forbidden']);
    expect((await ben.api.request('DELETE', `${change}/reviews/${id}`)).status).toBe(204);
    expect(await publish(eve, change)).toEqual([409, 'changes_requested']);
  });

  it.each([
    ['may no longer approve', (id: string) => server.database.dataSource.query('DELETE FROM access_grant WHERE subject = $1', [id])],
    ['was disabled', (id: string) => server.database.dataSource.query('UPDATE person SET disabled_at = now() WHERE id = $1', [id])],
  ])('does not count the approval of somebody who %s', async (_how, leave) => {
    const gone = await aPerson(server.database, api, 'Guy', { role: 'approver' });
    await mustReview(gone, change);
    await leave(gone.id);
    expect(await publish(ada, change)).toEqual(UNAPPROVED);
  });

  it('counts the approval of a member of a group that may approve', async () => {
    const member = await aPerson(server.database, api, 'Mel');
    const group = randomUUID();
    await server.database.dataSource.query(`INSERT INTO group_member VALUES ($1, $2, 'local')`, [member.id, group]);
    await grantTo(server.database, 'group', group, { role: 'approver', services: 'ord*', environment: 'production' });
    await mustReview(member, change);
    expect(await publish(ada, change)).toEqual(PUBLISHED);
  });

  it('waits for whoever asked for changes, over editions, until they approve or withdraw', async () => {
    await mustReview(eve, change, 'request-changes');
    await mustReview(ben, change);
    expect(await publish(ada, change)).toEqual([409, 'changes_requested']);
    await edit(ada.api, change);
    await mustReview(ben, change);
    expect((await stateOf(change)).review.reasons).toEqual([{ code: 'changes_requested', detail: expect.stringContaining('Eve') }]);
    expect(await publish(ada, change)).toEqual([409, 'changes_requested']);
    await mustReview(eve, change);
    expect(await publish(ada, change)).toEqual(PUBLISHED);
  });

  it('does not wait for somebody who has left', async () => {
    const gone = await aPerson(server.database, api, 'Gil', { role: 'approver' });
    await mustReview(gone, change, 'request-changes');
    await mustReview(ben, change);
    await server.database.dataSource.query('UPDATE person SET disabled_at = now() WHERE id = $1', [gone.id]);
    expect(await publish(ada, change)).toEqual(PUBLISHED);
  });

  it('is held up by a request for changes where nothing is protected, too', async () => {
    const elsewhere = await aChange(ada.api, 'orders@staging');
    await mustReview(ben, elsewhere, 'request-changes');
    expect(await publish(ada, elsewhere)).toEqual([409, 'changes_requested']);
  });

  it('says of a promotion into it what is missing', async () => {
    const { json } = await ada.api.must('POST', '/api/v1/promotions', { services: ['orders'], from: 'staging', to: 'production' });
    expect(json.review).toMatchObject({ approvals: { needed: 1, have: 0 }, mayPublish: false });
    expect(await publish(ada, `/api/v1/changes/${json.id}`)).toEqual(UNAPPROVED);
  });

  it('says what is in the way besides approvals', async () => {
    await mustReview(ben, change);
    const other = await aChange(ada.api);
    await mustReview(ben, other);
    expect(await publish(ada, other)).toEqual(PUBLISHED);
    expect((await stateOf(change)).review).toEqual(expect.objectContaining({ mayPublish: false, reasons: [expect.objectContaining({ code: 'change_conflict' })] }));
    expect((await ben.api.must('GET', other)).json.review).toMatchObject({ mayPublish: false, reasons: [{ code: 'change_not_open' }] });
  });
});

describe('given somebody who may not view a layer of a change', () => {
  it('answers everything about its review as if there were no such change', async () => {
    const change = await aChange(ada.api);
    await edit(ada.api, change, 'billing@production');
    const comment = (await ada.api.must('POST', `${change}/comments`, { text: 'Here' })).json.id as number;
    const given = await mustReview(ben, change);
    const { api: stranger } = await aPerson(server.database, api, 'Sid', { role: 'owner', services: 'orders' });
    const answers = [
      await stranger.get(`${change}/reviews`),
      await stranger.post(`${change}/reviews`, { verdict: 'approve', edition: 3 }),
      await stranger.request('DELETE', `${change}/reviews/${given}`),
      await stranger.get(`${change}/comments`),
      await stranger.post(`${change}/comments`, { text: 'Hello' }),
      await stranger.request('DELETE', `${change}/comments/${comment}`),
      await stranger.request('PUT', `${change}/schedule`, { at: '2999-01-01T00:00:00Z', edition: 3 }),
      await stranger.request('DELETE', `${change}/schedule`),
      await stranger.post(`${change}/publish`, { emergency: 'Mine' }),
    ];
    expect(answers.map(outcome)).toEqual(answers.map(() => [404, 'change_not_found']));
    const other = await aChange(ada.api);
    // Ids of one change open nothing under another.
    expect(outcome(await ben.api.request('DELETE', `${other}/reviews/${given}`))).toEqual([404, 'review_not_found']);
    expect(outcome(await ada.api.request('DELETE', `${other}/comments/${comment}`))).toEqual([404, 'comment_not_found']);
  });
});

describe('given an emergency', () => {
  it('passes with a reason, and stays marked for ever', async () => {
    const change = await aChange(ada.api);
    await mustReview(eve, change, 'request-changes');
    expect(await publish(ada, change, { emergency: 'Orders are lost' })).toEqual(PUBLISHED);
    const { revision } = await stateOf(change);
    expect((await api.must('GET', `/api/v1/revisions/${revision}`)).json.emergency).toBe('Orders are lost');
    expect((await api.must('GET', '/api/v1/revisions?limit=1')).json.items[0].emergency).toBe('Orders are lost');
    expect((await api.must('GET', `${layerPath('orders@production')}/releases?limit=1`)).json.items[0].emergency).toBe('Orders are lost');
    const { json } = await api.must('GET', '/api/v1/audit?action=change.publish-emergency&limit=1');
    expect(json.items[0]).toMatchObject({ revision, subject: { emergency: 'Orders are lost', approvals: { needed: 1, by: [] } } });
  });

  it('opens the direct ways as well, each in the same word', async () => {
    const { json } = await ada.api.must('PUT', `${layerPath('orders@production')}/documents/application?emergency=Now`, 'own: now\n', YAML);
    const back = await ada.api.must('POST', `${layerPath('orders@production')}/rollback`, { version: 1, emergency: 'Back' });
    const undone = await ada.api.must('POST', `/api/v1/revisions/${back.json.revision}/rollback`, { emergency: 'No' });
    const imported = await api.must('POST', '/api/v1/imports', { files: [{ path: 'orders-production.yml', content: 'own: imported\n' }], emergency: 'In' });
    const { items } = (await api.must('GET', '/api/v1/revisions?limit=4')).json;
    expect(items.map(({ revision, emergency }: { revision: number; emergency: string }) => [revision, emergency])).toEqual([
      [imported.json.revision, 'In'],
      [undone.json.revision, 'No'],
      [back.json.revision, 'Back'],
      [json.revision, 'Now'],
    ]);
  });

  it('is not for those who may only publish', async () => {
    const publisher = await aPerson(server.database, api, 'Pia', { role: 'publisher' });
    const change = await aChange(ada.api);
    expect(await publish(publisher, change, { emergency: 'Please' })).toEqual([403, 'forbidden']);
    expect(outcome(await publisher.api.putYaml('orders@production', 'own: mine\n'))).toEqual(UNAPPROVED);
    expect(outcome(await publisher.api.request('PUT', `${layerPath('orders@production')}/documents/application?emergency=Please`, 'own: mine\n', YAML))).toEqual([403, 'forbidden']);
  });
});

describe('given comments', () => {
  it('are kept beside the change, and of a deleted one only that it was there', async () => {
    const change = await aChange(ada.api);
    const place = { service: 'orders', environment: 'production', document: 'application', path: '/own', line: 1 };
    const first = await ben.api.must('POST', `${change}/comments`, { text: 'Why so large?', ...place });
    const second = await ada.api.must('POST', `${change}/comments`, { text: 'hunter2' });
    expect(first.json).toMatchObject({ text: 'Why so large?', place, author: { person: { name: 'Ben' } } });
    expect(outcome(await ben.api.request('DELETE', `${change}/comments/${second.json.id}`))).toEqual([403, 'forbidden']);
    expect((await ada.api.request('DELETE', `${change}/comments/${second.json.id}`)).status).toBe(204);
    expect(outcome(await ada.api.request('DELETE', `${change}/comments/${second.json.id}`))).toEqual([404, 'comment_not_found']);
    const page = (await api.must('GET', `${change}/comments?limit=1`)).json;
    const next = (await api.must('GET', `${change}/comments?cursor=${page.nextCursor}`)).json;
    expect([page.items[0].id, next.items]).toEqual([first.json.id, [expect.objectContaining({ id: second.json.id, text: '', deletedAt: expect.any(String) })]]);
    expect((await stateOf(change)).review.comments).toBe(1);
    const [{ rows }] = await server.database.dataSource.query(`SELECT count(*)::int AS rows FROM change_comment WHERE text = 'hunter2'`);
    expect(rows).toBe(0);
  });

  it('name a place whole or not at all', async () => {
    const change = await aChange(ada.api);
    expect(outcome(await ben.api.post(`${change}/comments`, { text: 'Here', path: '/own' }))).toEqual([400, 'malformed_request']);
  });
});
