import { ADMINISTRATION, type Answer, Api, layerPath } from './support/api';
import { startServer, type TestServer } from './support/server';

let server: TestServer;
let api: Api;

beforeAll(async () => {
  server = await startServer();
  api = new Api(server.url, server.token);
  await api.given({}, ['orders']);
});
afterAll(() => server.close());

const create = (name: string, key: string, as = api): Promise<Answer> => as.post('/api/v1/services', { name }, { 'idempotency-key': key });
const replayed = ({ headers }: Answer): boolean => headers.get('idempotency-replayed') === 'true';
const sql = <T>(text: string, ...parameters: unknown[]): Promise<T[]> => server.database.dataSource.query<T[]>(text, parameters);

describe('given an Idempotency-Key', () => {
  it('does a thing once, and answers every time as the first time', async () => {
    const first = await create('once', 'key-1');
    const second = await create('once', 'key-1');
    expect([first.status, second.status]).toEqual([201, 201]);
    expect([replayed(first), replayed(second)]).toEqual([false, true]);
    expect(second.json).toEqual(first.json);
    expect(second.headers.get('etag')).toBe(first.headers.get('etag'));
  });

  it('repeats a refusal that lies in the request', async () => {
    const first = await create('No Name', 'key-2');
    const second = await create('No Name', 'key-2');
    expect(second.json).toEqual(first.json);
    expect(second.headers.get('content-type')).toBe('application/problem+json');
    expect(replayed(second)).toBe(true);
  });

  it('does not take another body, URL or method for the same request', async () => {
    await create('body-a', 'key-3');
    expect((await create('body-b', 'key-3')).json).toMatchObject({ status: 422, code: 'idempotency_key_reused' });
    expect((await api.post('/api/v1/environments', { name: 'body-a' }, { 'idempotency-key': 'key-3' })).json).toMatchObject({ code: 'idempotency_key_reused' });
    expect((await api.request('PATCH', '/api/v1/services/body-a', { name: 'body-a' }, { 'idempotency-key': 'key-3' })).json).toMatchObject({ code: 'idempotency_key_reused' });
  });

  it('looks at a body in which nothing is sealed, however that is said', async () => {
    const patch = (body: object): Promise<Answer> =>
      api.request('PATCH', `${layerPath('orders@base')}/documents/said?seal=false`, JSON.stringify(body), { 'content-type': 'application/merge-patch+json', 'idempotency-key': 'key-said' });
    expect((await patch({ a: 1 })).status).toBe(200);
    expect((await patch({ a: 2 })).json.code).toBe('idempotency_key_reused');
  });

  it('belongs to the actor who sent it', async () => {
    const { secret } = (await api.must('POST', '/api/v1/tokens', { name: 'another', grants: ADMINISTRATION })).json as { secret: string };
    await create('mine', 'key-4');
    const theirs = await create('theirs', 'key-4', api.as(secret));
    expect([theirs.status, replayed(theirs)]).toEqual([201, false]);
  });

  it('does a thing once when the same request comes many times at once', async () => {
    const answers = await Promise.all(Array.from({ length: 10 }, () => create('crowded', 'key-5')));
    expect(answers.filter(({ status }) => status === 201).length).toBeGreaterThan(0);
    expect(answers.filter((answer) => answer.status === 201 && !replayed(answer))).toHaveLength(1);
    for (const { status, json, headers } of answers.filter((answer) => answer.status !== 201)) {
      expect({ status, code: json.code, retryAfter: headers.get('retry-after') }).toEqual({ status: 409, code: 'idempotency_in_progress', retryAfter: '1' });
    }
  });

  it('may be tried again after a refusal that passes', async () => {
    const path = `${layerPath('orders@base')}/documents/application`;
    const write = (ifMatch?: string) =>
      api.request('PUT', path, '{"a":1}', { 'content-type': 'application/json', 'idempotency-key': 'key-6', ...(ifMatch === undefined ? {} : { 'if-match': ifMatch }) });
    expect((await write('"nope"')).status).toBe(412);
    expect((await write()).status).toBe(200);
  });

  it.each(['', ' ', 'a'.repeat(256), 'ä'])('is refused when it is %j', async (key) => {
    expect((await create('never', key)).json).toMatchObject({ status: 400, code: 'malformed_request' });
    expect((await api.get('/api/v1/services/never')).status).toBe(404);
  });

  it('publishes once, also when the process died after the commit and before the answer was stored', async () => {
    const path = `${layerPath('orders@base')}/documents/application`;
    const write = () => api.request('PUT', path, '{"crashed":true}', { 'content-type': 'application/json', 'idempotency-key': 'key-7' });
    const first = await write();
    await sql(`UPDATE idempotency_key SET status = NULL, headers = NULL, body = NULL WHERE key = 'key-7'`);
    expect((await write()).json).toMatchObject({ code: 'idempotency_in_progress' });
    await sql(`UPDATE idempotency_key SET created_at = created_at - interval '61 seconds' WHERE key = 'key-7'`);
    const again = await write();
    expect(again.status).toBe(200);
    expect(again.json.revision).toBe(first.json.revision);
    expect((await api.get('/api/v1/revisions')).json.items[0].id ?? (await api.get('/api/v1/revisions')).json.items[0].revision).toBe(first.json.revision);
    expect(replayed(await write())).toBe(true);
  });

  it('is forgotten after a day', async () => {
    await create('yesterday', 'key-8');
    await sql(`UPDATE idempotency_key SET created_at = created_at - interval '25 hours' WHERE key = 'key-8'`);
    expect((await create('today', 'key-8')).status).toBe(201);
  });

  it('does not keep the answer that shows a secret', async () => {
    await api.must('POST', '/api/v1/tokens', { name: 'secret', grants: ADMINISTRATION }, { 'idempotency-key': 'key-9' });
    expect(await sql(`SELECT 1 FROM idempotency_key WHERE key = 'key-9'`)).toEqual([]);
  });
});
