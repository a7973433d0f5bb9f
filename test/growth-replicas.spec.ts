import { Api } from './support/api';
import { createTestDatabase, type TestDatabase } from './support/database';
import { eventually } from './support/eventually';
import { startServer, type TestServer } from './support/server';

let database: TestDatabase;
let servers: TestServer[];
let here: Api;
let there: Api;

beforeAll(async () => {
  database = await createTestDatabase();
  servers = [await startServer({}, database), await startServer({}, database)];
  [here, there] = servers.map(({ url }) => new Api(url, servers[0]!.token)) as [Api, Api];
});

afterAll(async () => {
  await Promise.all(servers.map((server) => server.close()));
  await database.close();
});

describe('given a replica that has read the catalog', () => {
  it('publishes to each service at once that another replica has created since', async () => {
    for (const name of ['first', 'second', 'third']) {
      await here.given({}, [name]);
      expect((await there.putYaml(`${name}@base`, 'a: 1\n')).status).toBe(200);
    }
  });

  it('hears of services that are archived and restored', async () => {
    await here.must('DELETE', '/api/v1/services/second');
    await eventually(async () => expect((await there.putYaml('second@base', 'a: 2\n')).json.code).toBe('service_archived'));
    await here.must('PATCH', '/api/v1/services/second', { archived: false });
    await eventually(async () => expect((await there.putYaml('second@base', 'a: 3\n')).status).toBe(200));
    expect((await there.putYaml('third@base', 'a: 3\n')).status).toBe(200);
  });

  it('takes a catalog whose counter has gone back for another one', async () => {
    await here.given({}, ['lost']);
    await there.must('GET', '/v1/config/base/lost');
    // As after a restore: another service under a number that was known, and a counter that is behind.
    await database.dataSource.query(`
      SET session_replication_role = replica;
      UPDATE service SET name = 'found', changed = 1 WHERE name = 'lost';
      UPDATE topic_counter SET value = 1 WHERE topic = 'catalog';
      RESET session_replication_role;`);
    await eventually(async () => expect((await there.putYaml('found@base', 'a: 1\n')).status).toBe(200));
    expect((await there.putYaml('lost@base', 'a: 1\n')).json.code).toBe('service_not_found');
  });
});
