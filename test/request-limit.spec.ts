import { once } from 'node:events';
import { connect } from 'node:net';
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

it('does not count those that have hung up, once their work has come to an end', async () => {
  const runner = server.database.dataSource.createQueryRunner();
  await runner.startTransaction();
  await runner.query('SELECT pg_advisory_xact_lock(8848, 2)');
  const hangUp = new AbortController();
  const headers = { authorization: `Bearer ${server.token}`, 'content-type': 'application/yaml' };
  const path = `${server.url}${layerPath('orders@base')}/documents`;
  const abandoned = ['three', 'four'].map((name) => fetch(`${path}/${name}`, { method: 'PUT', body: 'a: 1\n', headers, signal: hangUp.signal }).catch(() => undefined));
  await eventually(async () => expect((await api.get(layerPath('orders@base'))).status).toBe(429));
  hangUp.abort();
  await Promise.all(abandoned);
  // The work goes on, and counts.
  expect((await api.get(layerPath('orders@base'))).status).toBe(429);
  await runner.rollbackTransaction();
  await runner.release();
  await eventually(async () => expect((await api.get(layerPath('orders@base'))).status).toBe(200));
});

it('does not count those that hang up in the middle of their body', async () => {
  for (let round = 0; round < 3; round += 1) {
    const socket = connect(Number(new URL(server.url).port), '127.0.0.1');
    socket.write(`POST /api/v1/services HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${server.token}\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{`);
    await once(socket, 'connect');
    // An answer on another connection says that the server has read what came before it.
    await eventually(async () => expect((await api.get(layerPath('orders@base'))).status).toBe(200));
    socket.destroy();
  }
  await eventually(async () => expect((await Promise.all([1, 2].map(() => api.get(layerPath('orders@base'))))).map(({ status }) => status)).toEqual([200, 200]));
});
