import { connect as dial, createServer, type Server, type Socket } from 'node:net';
import { connect, silentLogger, type Config, type UntypedConfig } from '@trimtab/client';
import { z } from 'zod';
import { Api } from './support/api';
import { createTestDatabase, type TestDatabase } from './support/database';
import { eventually } from './support/eventually';
import { startServer, type TestServer } from './support/server';

/** What a balancer is to a client: one address, behind it now this replica and now that. */
class Balancer {
  to = 0;
  private readonly sockets = new Set<Socket>();
  private readonly server: Server = createServer((near) => {
    const far = dial(this.to, '127.0.0.1');
    for (const socket of [near, far]) {
      this.sockets.add(socket);
      socket.on('error', () => undefined).on('close', () => (this.sockets.delete(socket), near.destroy(), far.destroy()));
    }
    near.pipe(far).pipe(near);
  });

  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    const address = this.server.address();
    return `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
  }

  move({ url }: TestServer): void {
    this.to = Number(new URL(url).port);
    for (const socket of this.sockets) socket.destroy();
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

const balancer = new Balancer();
let database: TestDatabase;
let servers: readonly [TestServer, TestServer];
let api: Api;
let config: Config<UntypedConfig>;

beforeAll(async () => {
  database = await createTestDatabase();
  servers = [await startServer({}, database), await startServer({}, database)];
  api = new Api(servers[0].url, servers[0].token);
  await api.given({}, ['orders']);
  await api.putYaml('orders@base', 'max: 1\n');
  const url = await balancer.start();
  balancer.move(servers[0]);
  config = await connect<UntypedConfig>({
    url,
    key: servers[0].token,
    service: 'orders',
    environment: 'base',
    instanceId: 'mover',
    labels: { zone: 'a' },
    diskSnapshot: false,
    logger: silentLogger,
    reconnect: { baseMs: 20, capMs: 200 },
    schema: z.object({ max: z.number().max(10) }) as never,
  });
});

afterAll(async () => {
  await config.close();
  await balancer.close();
  for (const server of servers) await server.close();
  await database.close();
});

/** As either replica has it. */
async function shown(at: string, expected: object): Promise<void> {
  await eventually(async () => {
    for (const { url } of servers) {
      const { items } = (await new Api(url, servers[0].token).must('GET', '/api/v1/instances')).json;
      expect(items).toMatchObject([{ id: 'mover', labels: { zone: 'a' }, replica: at, ...expected }]);
    }
  });
}

/** The replica it is connected to. */
async function replica(): Promise<string> {
  return eventually(async () => {
    const { items } = (await api.must('GET', '/api/v1/instances')).json;
    expect(items).toHaveLength(1);
    return items[0].replica as string;
  });
}

it('is known to another replica as what it is, with no publish in between', async () => {
  const first = await replica();
  await shown(first, { state: 'applied', revision: 1, appliedRevision: 1, host: expect.any(String), library: expect.stringContaining('@trimtab/client') });
  balancer.move(servers[1]);
  const second = await eventually(async () => {
    const now = await replica();
    expect(now).not.toBe(first);
    return now;
  });
  await shown(second, { state: 'applied', revision: 1, appliedRevision: 1 });
  const { revision } = (await api.putYaml('orders@base', 'max: 11\n')).json;
  const refused = { state: 'refused', revision, reason: expect.stringContaining('max') };
  await shown(second, { ...refused, appliedRevision: 1 });
  balancer.move(servers[0]);
  await shown(first, refused);
  expect((await api.must('GET', `/api/v1/revisions/${revision}/convergence?wait=20s`)).json).toMatchObject({ state: 'refused', total: 1, refused: [{ id: 'mover' }] });
  const mended = (await api.putYaml('orders@base', 'max: 10\n')).json.revision;
  // Whoever runs something newer has taken what came before.
  for (const one of [mended, revision]) {
    expect((await api.must('GET', `/api/v1/revisions/${one}/convergence?wait=20s`)).json).toMatchObject({ state: 'converged', total: 1, taken: 1 });
  }
});
