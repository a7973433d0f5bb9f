import { Api, layerPath, type Answer } from './support/api';
import { createTestDatabase, type TestDatabase } from './support/database';
import { aPerson, type TestPerson } from './support/people';
import { administratorToken, startServer, type TestServer } from './support/server';

/**
 * Editing, approving, withdrawing, protecting and publishing at the same time, over two replicas on one database. Whatever
 * comes of it, nothing reaches the protected environment that nobody has approved.
 */
let database: TestDatabase;
let replicas: TestServer[];
let api: Api;
let ada: TestPerson;
let ben: TestPerson;

beforeAll(async () => {
  database = await createTestDatabase();
  replicas = [await startServer({}, database), await startServer({}, database)];
  api = new Api(replicas[0]!.url, await administratorToken(database));
  await api.given({ production: 'base', staging: 'base' }, ['orders']);
  await api.must('PATCH', '/api/v1/environments/production', { requiredApprovals: 1 });
  ada = await aPerson(database, api, 'Ada', { role: 'publisher' });
  ben = await aPerson(database, api, 'Ben', { role: 'approver' });
});
afterAll(async () => {
  await Promise.all(replicas.map((replica) => replica.close()));
  await database.close();
});

const DOCUMENT = `${layerPath('orders@production').slice('/api/v1'.length)}/documents/application`;
const YAML = { 'content-type': 'application/yaml' };

/** The same caller on the one replica or the other. */
const by = ({ api: theirs }: { readonly api: Api }, turn: number): Api => new Api(replicas[turn % 2]!.url, theirs.token);

/** Everybody acts again and again until somebody has published. */
async function race(change: string, round: number): Promise<{ contents: Map<number, string>; refusals: Set<string> }> {
  const contents = new Map<number, string>();
  const refusals = new Set<string>();
  let over = false;
  const note = ({ status, json }: Answer): void => {
    if (status >= 400) refusals.add(json.code as string);
  };
  const keepOn = async (act: (turn: number) => Promise<Answer>, times: number): Promise<void> => {
    for (let turn = round; turn < round + times && !over; turn += 1) note(await act(turn));
  };
  const edits = keepOn(async (turn) => {
    const source = `round: ${round}\nturn: ${turn}\n`;
    const answer = await by(ada, turn).request('PUT', `${change}${DOCUMENT}`, source, YAML);
    if (answer.status === 200) contents.set(answer.json.edition as number, source);
    return answer;
  }, 12);
  const approvals = keepOn(async (turn) => {
    const { json } = await by(ben, turn).get(change);
    const answer = await by(ben, turn).post(`${change}/reviews`, { verdict: turn % 5 === 0 ? 'request-changes' : 'approve', edition: json.edition });
    if (turn % 4 === 3 && answer.status === 201) note(await by(ben, turn + 1).request('DELETE', `${change}/reviews/${answer.json.id}`));
    return answer;
  }, 40);
  const publishes = keepOn(async (turn) => {
    const answer = await by(ada, turn + 1).post(`${change}/publish`);
    over ||= answer.status === 200;
    return answer;
  }, 40);
  await Promise.all([edits, approvals, publishes]);
  return { contents, refusals };
}

it('publishes exactly what was approved, or nothing', async () => {
  let published = 0;
  const refusals = new Set<string>();
  for (let round = 0; round < 8; round += 1) {
    const { json } = await ada.api.must('POST', '/api/v1/changes', { title: `Round ${round}` });
    const change = `/api/v1/changes/${json.id}`;
    await ada.api.must('PUT', `${change}${DOCUMENT}`, `round: ${round}\n`, YAML);
    const raced = await race(change, round);
    for (const code of raced.refusals) refusals.add(code);
    const state = (await api.must('GET', change)).json;
    if (state.status !== 'published') continue;
    published += 1;
    const standing = await database.dataSource.query<{ edition: number; verdict: string }[]>(
      'SELECT edition, verdict FROM change_review WHERE change_id = $1 AND withdrawn_at IS NULL',
      [json.id],
    );
    expect(standing).toEqual([{ edition: state.edition, verdict: 'approve' }]);
    const { text } = await api.must('GET', `${layerPath('orders@production')}/documents/application`);
    expect(text).toBe(raced.contents.get(state.edition as number) ?? `round: ${round}\n`);
  }
  // Otherwise nobody has raced with anybody.
  expect(published).toBeGreaterThan(2);
  expect([...refusals]).toEqual(expect.arrayContaining(['approval_required', 'precondition_failed']));
});

it('lets nothing pass that is committed after the protection was answered, on any replica', async () => {
  for (let round = 0; round < 8; round += 1) {
    await api.must('PATCH', '/api/v1/environments/staging', { requiredApprovals: null });
    let isProtected = false;
    const late: number[] = [];
    const writing = Promise.all(
      Array.from({ length: 6 }, async (_, writer) => {
        for (let turn = 0; turn < 6; turn += 1) {
          const begunAfter = isProtected;
          const answer = await by({ api }, writer).putYaml('orders@staging', `${round}: ${turn}\n`, `doc${writer}`);
          if (begunAfter && answer.status === 200) late.push(answer.json.revision as number);
        }
      }),
    );
    await by({ api }, round).must('PATCH', '/api/v1/environments/staging', { requiredApprovals: 2 });
    isProtected = true;
    await writing;
    expect(late).toEqual([]);
  }
});
