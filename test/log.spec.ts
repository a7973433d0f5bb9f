import { DataSource } from 'typeorm';
import { HeadIndex } from '../src/releases/head-index';
import { Api, layerPath } from './support/api';
import { createTestDatabase, type TestDatabase } from './support/database';
import { eventually } from './support/eventually';
import { startServer, type TestServer } from './support/server';

/** Two whole servers on one database, as replicas are; what they agree on goes through Postgres alone. */
let database: TestDatabase;
let replicas: TestServer[];
let apis: Api[];

beforeAll(async () => {
  database = await createTestDatabase();
  replicas = [await startServer({}, database), await startServer({}, database)];
  const token = replicas[0]!.token;
  apis = replicas.map(({ url }) => new Api(url, token));
  await apis[0]!.given({ production: 'base' }, ['shared', ...Array.from({ length: 8 }, (_, index) => `service-${index}`)]);
});

afterAll(async () => {
  await Promise.all(replicas.map((replica) => replica.close()));
  await database.close();
});

/** The next reading of the heads is answered by the database at once, and the answer kept until it is released. */
function holdNextRead(dataSource: DataSource): { readonly held: Promise<void>; release(): void } {
  const query = dataSource.query.bind(dataSource);
  let release: () => void = () => undefined;
  const released = new Promise<void>((resolve) => (release = resolve));
  const held = new Promise<void>((resolve) => {
    dataSource.query = async <T>(text: string, parameters?: unknown[]): Promise<T> => {
      const answer = await query<T>(text, parameters as never);
      if (!text.includes('FROM log_identity')) return answer;
      dataSource.query = query;
      resolve();
      await released;
      return answer;
    };
  });
  return { held, release };
}

const writers = 8;
const writes = 12;

it('numbers concurrent publishes of two replicas without a hole, and loses none that was answered', async () => {
  const answered: { revision: number; service: string; version: number }[] = [];
  await Promise.all(
    Array.from({ length: writers }, async (_, writer) => {
      const api = apis[writer % apis.length]!;
      for (let count = 1; count <= writes; count += 1) {
        // Every third goes to one layer that all share, each writer to a document of its own: that never conflicts.
        const [layer, document] = count % 3 === 0 ? ['shared@base', `of-${writer}`] : [`service-${writer}@production`, 'application'];
        const answer = await api.putYaml(layer!, `count: ${count}\n`, document);
        expect([answer.status, answer.text]).toEqual([200, expect.any(String)]);
        answered.push({ revision: answer.json.revision, service: layer!, version: answer.json.layers[0].version });
      }
    }),
  );
  const revisions = answered.map(({ revision }) => revision).sort((a, b) => a - b);
  expect(revisions).toEqual(Array.from({ length: writers * writes }, (_, index) => revisions[0]! + index));
  const byLayer = new Map<string, number[]>();
  for (const { service, version } of answered) byLayer.set(service, [...(byLayer.get(service) ?? []), version]);
  for (const versions of byLayer.values()) {
    expect(versions.sort((a, b) => a - b)).toEqual(versions.map((_, index) => index + 1));
  }
  const stored = await database.dataSource.query<{ revision: string }[]>('SELECT revision FROM release ORDER BY revision');
  expect(stored.map(({ revision }) => Number(revision))).toEqual(expect.arrayContaining(revisions));
});

it('lets both replicas end with the same', async () => {
  for (let writer = 0; writer < writers; writer += 1) {
    const path = `/v1/config/production/service-${writer}`;
    const expected = (await apis[0]!.get(path)).json;
    await eventually(async () => expect((await apis[1]!.get(path)).json).toEqual(expected));
  }
});

it('takes an answer that is older than what it has just published for neither a lost end of the log nor the newest', async () => {
  const { held, release } = holdNextRead(replicas[0]!.app.get(DataSource));
  try {
    const heads = replicas[0]!.app.get(HeadIndex);
    const reading = heads.reach(heads.position + 1);
    await held;
    const { json } = await apis[0]!.putYaml('shared@base', 'published: meanwhile\n', 'meanwhile');
    release();
    await reading;
    expect([heads.position, heads.head({ service: 'shared', environment: 'base' })?.revision]).toEqual([json.revision, json.revision]);
    expect((await apis[0]!.putYaml('shared@base', 'published: after\n', 'meanwhile')).status).toBe(200);
  } finally {
    release();
  }
});

it('keeps two changes from breaking together what neither breaks alone', async () => {
  // Each is valid against the heads it was checked on; only the second to commit can see that both do not go together.
  await apis[0]!.must('POST', '/api/v1/services', { name: 'sum' });
  await apis[0]!.must('PUT', `${layerPath('sum@base')}/documents/application`, '{"a": 0, "b": 0}', { 'content-type': 'application/json' });
  const schema = { not: { properties: { a: { const: 1 }, b: { const: 1 } } } };
  await apis[0]!.must('PUT', `${layerPath('sum@base')}/schemas/application`, schema);
  for (let round = 0; round < 6; round += 1) {
    const answers = await Promise.all([apis[0]!.patch('sum@base', { a: 1 }), apis[1]!.patch('sum@production', { b: 1 })]);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 422]);
    await apis[0]!.patch('sum@base', { a: 0, b: 0 });
    await apis[0]!.patch('sum@production', { b: 0 });
    await eventually(async () => expect((await apis[1]!.values('sum@production')).application).toEqual({ a: 0, b: 0 }));
  }
});

it('keeps two changes from forming a cycle of includes together', async () => {
  await apis[0]!.given({}, ['left', 'right']);
  await eventually(async () => expect((await apis[1]!.get('/api/v1/services/right')).status).toBe(200));
  const answers = await Promise.all([apis[0]!.include('left@base', 'right'), apis[1]!.include('right@base', 'left')]);
  expect(answers.map(({ status }) => status).sort()).toEqual([200, 422]);
});
