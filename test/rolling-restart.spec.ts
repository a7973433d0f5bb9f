import { connect, silentLogger, type Config, type UntypedConfig } from '@trimtab/client';
import { Api } from './support/api';
import { createTestDatabase, type TestDatabase } from './support/database';
import { eventually } from './support/eventually';
import { opened } from './support/open-resources';
import { startProxy, type Proxy } from './support/proxy';
import { startServerProcess, type ServerProcess } from './support/server-process';

/** Two processes one after the other behind one address, as in a rolling restart, and clients that are busy meanwhile. */
const CLIENTS = 16;
const PREPARE_MS = 300;
const MOVE_WITHIN_MS = 2_500;

let database: TestDatabase;
let balancer: Proxy;
let leaving: ServerProcess;
let next: ServerProcess;
let api: Api;
let clients: Client[] = [];

/** A client with something to prepare at every revision. */
class Client {
  readonly applied: number[] = [];
  readonly values: number[] = [];
  preparing = 0;
  /** Preparations that were given up or cut off. */
  cut = 0;
  /** When it left its server, and how much was being prepared then. */
  readonly left: { readonly at: number; readonly preparing: number }[] = [];
  private readonly closed = opened('client');

  private constructor(readonly config: Config<UntypedConfig>) {
    config.on('applied', ({ revision }) => {
      this.applied.push(revision);
      this.values.push(config.get('n') as number);
    });
    config.on('state', (event) => {
      if (event.next === 'waiting') this.left.push({ at: performance.now(), preparing: this.preparing });
    });
  }

  static async connect(url: string, key: string): Promise<Client> {
    const options = { url, key, service: 'orders', environment: 'production', diskSnapshot: false, logger: silentLogger } as const;
    const client = new Client(await connect<UntypedConfig>(options));
    await client.config.resource('n', { prepare: (n, { signal }) => client.prepare(n, signal), dispose: () => undefined });
    return client;
  }

  async close(): Promise<void> {
    await this.config.close();
    this.closed();
  }

  private async prepare(n: unknown, signal: AbortSignal): Promise<unknown> {
    this.preparing += 1;
    await new Promise((resolve) => setTimeout(resolve, PREPARE_MS));
    this.preparing -= 1;
    if (signal.aborted) this.cut += 1;
    return n;
  }
}

beforeAll(async () => {
  database = await createTestDatabase();
  const environment = { DATABASE_URL: database.url, TRIMTAB_FEED_MOVE_WITHIN_MS: String(MOVE_WITHIN_MS) };
  leaving = await startServerProcess(environment);
  next = await startServerProcess(environment);
  balancer = await startProxy(leaving.url);
  api = new Api(next.url, leaving.token);
  await api.given({ production: 'base' }, ['orders']);
  await api.putYaml('orders@production', 'n: 0\n');
  const url = balancer.through(leaving.url);
  clients = await Promise.all(Array.from({ length: CLIENTS }, () => Client.connect(url, leaving.token!)));
}, 60_000);

afterAll(async () => {
  await Promise.all(clients.map((client) => client.close()));
  await balancer.close();
  await Promise.all([leaving, next].map((server) => server.kill()));
  await database.close();
});

it('moves every client to the next process, one after the other, none in the middle of an apply and none left behind', async () => {
  balancer.retarget(next.url);
  const start = performance.now();
  const exited = leaving.kill('SIGTERM');
  let running = true;
  let n = 0;
  const publishing = (async () => {
    while (running) {
      n += 1;
      const { status } = await api.putYaml('orders@production', `n: ${n}\n`);
      expect(status).toBe(200);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  })();
  const exit = await exited;
  running = false;
  await publishing;
  await eventually(() => {
    for (const { config } of clients) {
      expect(config.get('n')).toBe(n);
      expect(config.status()).toMatchObject({ state: 'live', stale: { value: false } });
    }
  });
  expect(exit).toMatchObject({ code: 0, stderr: '' });
  expect(n).toBeGreaterThan(5);

  for (const { left, cut, applied, values } of clients) {
    expect(left.map(({ preparing }) => preparing)).toEqual([0]);
    expect(cut).toBe(0);
    expect(applied).toEqual([...new Set(applied)].sort((a, b) => a - b));
    expect(values).toEqual([...values].sort((a, b) => a - b));
  }
  const times = clients.map(({ left }) => left[0]!.at - start).sort((a, b) => a - b);
  expect(times.at(-1)! - times[0]!).toBeGreaterThan(MOVE_WITHIN_MS / 4);
  expect(times.at(-1)).toBeLessThan(MOVE_WITHIN_MS + PREPARE_MS);
}, 60_000);
