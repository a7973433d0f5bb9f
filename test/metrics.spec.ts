import { connect, silentLogger } from '@trimtab/client';
import path from 'node:path';
import { Api } from './support/api';
import { createTestDatabase, type TestDatabase } from './support/database';
import { eventually } from './support/eventually';
import { samplesOf, valueOf, type Sample } from './support/prometheus';
import { startServerProcess } from './support/server-process';
import { startServer, type TestServer } from './support/server';

const TEN_MINUTES = 600_000;
const SHIFTED_CLOCK = path.resolve(__dirname, 'support/shifted-clock.cjs');
/** Whole processes are started. */
jest.setTimeout(60_000);

let database: TestDatabase;
let publishing: TestServer;
let following: TestServer;
let api: Api;

beforeAll(async () => {
  database = await createTestDatabase();
  [publishing, following] = [await startServer({}, database), await startServer({}, database)];
  api = new Api(publishing.url, publishing.token);
  await api.given({ production: 'base' }, ['orders']);
  await api.putYaml('orders@base', 'db: {pool: 1}\n');
});
afterAll(async () => {
  await Promise.all([publishing.close(), following.close()]);
  await database.close();
});

async function metricsOf({ url }: { readonly url: string }): Promise<Sample[]> {
  return samplesOf((await new Api(url, publishing.token).must('GET', '/metrics')).text);
}

async function follow({ url }: { readonly url: string }) {
  return connect({ url, key: publishing.token, service: 'orders', environment: 'production', diskSnapshot: false, logger: silentLogger });
}

async function publishAndWait(clients: readonly Awaited<ReturnType<typeof follow>>[], pool: number): Promise<number> {
  const { json } = await api.patch('orders@base', { db: { pool } });
  await eventually(() => expect(clients.map((client) => client.status().revision)).toEqual(clients.map(() => json.revision)));
  return json.revision as number;
}

describe('given a replica whose clock is off', () => {
  it.each([-TEN_MINUTES, TEN_MINUTES])('tells the true times from the commit on when it is off by %i ms', async (off) => {
    const shifted = await startServerProcess({ DATABASE_URL: database.url, NODE_OPTIONS: `--require ${SHIFTED_CLOCK}`, SHIFTED_CLOCK_MS: String(off) });
    const client = await follow(shifted);
    try {
      const [{ connectedAt }] = (await new Api(shifted.url, publishing.token).get('/api/v1/instances')).json.items;
      expect(Math.abs(Date.parse(connectedAt) - Date.now() - off)).toBeLessThan(60_000);
      await publishAndWait([client], TEN_MINUTES - off);
      const samples = await eventually(async () => {
        const samples = await metricsOf(shifted);
        expect(valueOf(samples, 'trimtab_publish_to_applied_seconds_count', { transport: 'socket.io' })).toBe(1);
        return samples;
      });
      const took = valueOf(samples, 'trimtab_publish_to_applied_seconds_sum', { transport: 'socket.io' })!;
      const caughtUp = valueOf(samples, 'trimtab_catch_up_seconds_sum')!;
      expect(valueOf(samples, 'trimtab_catch_up_seconds_count')).toBe(1);
      expect(caughtUp).toBeGreaterThan(0);
      expect(took).toBeGreaterThan(caughtUp);
      expect(took).toBeLessThan(10);
    } finally {
      await client.close();
      await shifted.kill();
    }
  });
});

describe('given clients', () => {
  it('does not take a client that came later for a slow one', async () => {
    await publishAndWait([], 77);
    const earlier = await metricsOf(following);
    const late = await follow(following);
    try {
      await eventually(async () => expect(valueOf(await metricsOf(following), 'trimtab_client_reports_total', { state: 'applied' })).toBe(valueOf(earlier, 'trimtab_client_reports_total', { state: 'applied' })! + 1));
      const count = (samples: Sample[]) => valueOf(samples, 'trimtab_publish_to_applied_seconds_count', { transport: 'socket.io' });
      expect(count(await metricsOf(following))).toBe(count(earlier));
    } finally {
      await late.close();
    }
  });

  it('counts what they refuse', async () => {
    const picky = await connect({
      url: publishing.url, key: publishing.token, service: 'orders', environment: 'production', diskSnapshot: false, logger: silentLogger,
      schema: { '~standard': { version: 1, vendor: 'test', validate: (value: unknown) => (JSON.stringify(value).includes('13') ? { issues: [{ message: 'unlucky' }] } : { value }) } },
    });
    try {
      await api.patch('orders@base', { db: { pool: 13 } });
      await eventually(async () => expect(valueOf(await metricsOf(publishing), 'trimtab_client_reports_total', { state: 'refused' })).toBe(1));
    } finally {
      await picky.close();
      await api.patch('orders@base', { db: { pool: 1 } });
    }
  });
});

describe('given a publish', () => {
  it('is timed where it was committed, in phases that add up to the whole', async () => {
    const earlier = await metricsOf(publishing);
    await publishAndWait([], 21);
    const later = await metricsOf(publishing);
    const grown = (name: string, labels?: Record<string, string>) => valueOf(later, name, labels)! - (valueOf(earlier, name, labels) ?? 0);
    expect(grown('trimtab_publish_duration_seconds_count')).toBe(1);
    expect(grown('trimtab_revisions_published_total', { kind: 'publish' })).toBe(1);
    const phases = ['check', 'wait', 'commit'].map((phase) => grown('trimtab_publish_phase_seconds_sum', { phase }));
    for (const seconds of phases) expect(seconds).toBeGreaterThan(0);
    expect(phases.reduce((sum, seconds) => sum + seconds)).toBeCloseTo(grown('trimtab_publish_duration_seconds_sum'), 6);
    expect(valueOf(await metricsOf(following), 'trimtab_publish_duration_seconds_count')).toBe(0);
  });

  it('leaves no replica behind the log', async () => {
    await publishAndWait([], 22);
    const { json } = await api.get('/api/v1/revisions');
    for (const server of [publishing, following]) {
      await eventually(async () => {
        const samples = await metricsOf(server);
        expect(valueOf(samples, 'trimtab_log_position')).toBe(json.items[0].revision ?? json.items[0].id);
        expect([valueOf(samples, 'trimtab_log_lag_revisions'), valueOf(samples, 'trimtab_log_lag_seconds')]).toEqual([0, 0]);
        expect(valueOf(samples, 'trimtab_listener_check_age_seconds')).toBeGreaterThanOrEqual(0);
        expect(valueOf(samples, 'trimtab_ready')).toBe(1);
      });
    }
  });
});

describe('given requests', () => {
  it('times them by the pattern of their route, never by what they ask for', async () => {
    await api.get('/api/v1/services/orders');
    await api.get('/api/v1/services/no-such-service');
    await api.get('/nowhere/at/all');
    const samples = await metricsOf(publishing);
    const counted = (labels: Record<string, string>) => valueOf(samples, 'trimtab_http_request_duration_seconds_count', labels);
    expect(counted({ method: 'GET', route: '/api/v1/services/:service', status: '200' })).toBe(1);
    expect(counted({ method: 'GET', route: '/api/v1/services/:service', status: '404' })).toBe(1);
    expect(counted({ method: 'any', route: 'none', status: '404' })).toBe(1);
    expect(samples.flatMap(({ labels }) => Object.values(labels)).filter((value) => /orders|nowhere|no-such/.test(value))).toEqual([]);
  });
});

it('costs a microsecond at most to observe a report', async () => {
  const { Histogram, Registry } = await import('prom-client');
  const histogram = new Histogram({ name: 'probe', help: 'Probe.', labelNames: ['transport'], buckets: [0.1, 1, 10], registers: [new Registry()] });
  const times = Array.from({ length: 5 }, () => {
    const start = process.cpuUsage();
    for (let i = 0; i < 100_000; i += 1) histogram.observe({ transport: 'socket.io' }, 0.5);
    return process.cpuUsage(start).user / 100_000;
  });
  expect(Math.min(...times)).toBeLessThan(5);
});
