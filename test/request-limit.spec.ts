import { Api, layerPath } from './support/api';
import { eventually } from './support/eventually';
import { startServer, type TestServer } from './support/server';

let server: TestServer;
let api: Api;

beforeAll(async () => {
  server = await startServer({ http: { maxConcurrentRequests: 2 } });
  api = new Api(server.url, server.token);
  await api.given({}, ['orders']);
});

afterAll(() => server.close());

it('refuses what comes beyond the limit at once, and serves again when those before have finished', async () => {
  const runner = server.database.dataSource.createQueryRunner();
  await runner.startTransaction();
  // As long as the log's lock is held here, publishes are under way.
  await runner.query('SELECT pg_advisory_xact_lock(8848, 2)');
  const publishing = [api.putYaml('orders@base', 'a: 1\n', 'one'), api.putYaml('orders@base', 'a: 1\n', 'two')];
  const refused = await eventually(async () => {
    const answer = await api.get(layerPath('orders@base'));
    expect(answer.status).toBe(429);
    return answer;
  });
  expect(refused.json.code).toBe('too_many_requests');
  expect(refused.headers.get('retry-after')).toBe('1');
  expect((await fetch(`${server.url}/health/live`)).status).toBe(200);
  expect((await api.get('/v1/config/base/orders')).status).toBe(200);
  await runner.rollbackTransaction();
  await runner.release();
  expect((await Promise.all(publishing)).map(({ status }) => status)).toEqual([200, 200]);
  expect((await api.get(layerPath('orders@base'))).status).toBe(200);
});
