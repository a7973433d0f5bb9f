import { connect, silentLogger } from '@trimtab/client';
import path from 'node:path';
import { Api, layerPath } from './support/api';
import { createTestDatabase, type TestDatabase } from './support/database';
import { eventually } from './support/eventually';
import { startServerProcess, type ServerProcess } from './support/server-process';
import { administratorToken } from './support/server';
import { startTraceCollector, type CollectedSpan, type TraceCollector } from './support/trace-collector';

/** Whole processes are started. */
jest.setTimeout(60_000);

const TRACE = 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa';
const CALLER = 'bbbbbbbbbbbbbbbb';
const DOCUMENT = `${layerPath('orders@base')}/documents/application`;
const SECRET = 'hunter2-is-secret';

let database: TestDatabase;
let collector: TraceCollector;
let publishing: ServerProcess;
let token: string;
let following: ServerProcess;
let api: Api;

beforeAll(async () => {
  database = await createTestDatabase();
  collector = await startTraceCollector();
  token = await administratorToken(database);
  const env = { DATABASE_URL: database.url, OTEL_EXPORTER_OTLP_ENDPOINT: collector.url };
  publishing = await startServerProcess(env);
  // Its clock is off, which must not tear its spans away from those of the others.
  following = await startServerProcess({
    ...env,
    NODE_OPTIONS: `--require ${path.resolve(__dirname, 'support/shifted-clock.cjs')}`,
    SHIFTED_CLOCK_MS: '600000',
  });
  api = new Api(publishing.url, token);
  await api.given({ production: 'base' }, ['orders']);
  await api.putYaml('orders@base', 'pool: 1\n');
});
afterAll(async () => {
  await following.kill();
  await publishing.kill();
  await collector.close();
  await database.close();
});

function follow(url: string) {
  return connect({
    url, key: token, service: 'orders', environment: 'production', diskSnapshot: false, logger: silentLogger,
    schema: { '~standard': { version: 1, vendor: 'test', validate: (value: unknown) => (JSON.stringify(value).includes('unlucky') ? { issues: [{ message: `${SECRET} is unlucky` }] } : { value }) } },
  });
}

async function publish(source: string, traceId: string): Promise<number> {
  const headers = { 'content-type': 'application/yaml', traceparent: `00-${traceId}-${CALLER}-01` };
  return (await api.must('PUT', DOCUMENT, source, headers)).json.revision as number;
}

function spansOf(traceId: string, ...names: string[]): Promise<CollectedSpan[]> {
  return eventually(() => {
    const found = collector.spans.filter((span) => span.traceId === traceId);
    for (const name of names) expect(found.map((span) => span.name)).toContain(name);
    return found;
  });
}

describe('given two replicas that send their spans to one collector', () => {
  it('follows a revision from the request to every client in one trace, across both', async () => {
    const clients = [await follow(publishing.url), await follow(following.url)];
    try {
      const revision = await publish(`pool: 2\nsecret: ${SECRET}\n`, TRACE);
      await eventually(() => expect(clients.map((client) => client.status().revision)).toEqual([revision, revision]));
      const spans = await eventually(async () => {
        const found = await spansOf(TRACE, 'catch up', 'apply');
        expect(found.filter(({ name }) => name === 'apply')).toHaveLength(2);
        expect(found.filter(({ name }) => name === 'push')).toHaveLength(2);
        return found;
      });
      expect(new Set(spans.map(({ instance }) => instance)).size).toBe(2);

      const byId = new Map(spans.map((span) => [span.spanId, span]));
      const pathOf = (span: CollectedSpan): string => {
        const parent = span.parentSpanId === undefined ? undefined : byId.get(span.parentSpanId);
        return parent === undefined ? span.name : `${pathOf(parent)} > ${span.name}`;
      };
      const request = 'PUT /api/v1/services/:service/environments/:environment/documents/:name';
      expect(spans.map(pathOf).sort()).toEqual(
        [
          request,
          `${request} > publish`,
          `${request} > publish > check`,
          `${request} > publish > wait for the log`,
          `${request} > publish > commit`,
          `${request} > resolve snapshot`,
          `${request} > push`,
          `${request} > push > apply`,
          `${request} > catch up`,
          `${request} > catch up > resolve snapshot`,
          `${request} > catch up > push`,
          `${request} > catch up > push > apply`,
        ].sort(),
      );
      expect(spans.find(({ name }) => name === request)?.parentSpanId).toBe(CALLER);
      expect(spans.find(({ name }) => name === 'push')?.attributes).toMatchObject({ 'trimtab.members': '1', 'trimtab.service': 'orders', 'trimtab.environment': 'production', 'trimtab.revision': String(revision) });

      // By one clock, that of Postgres, although the second replica's is ten minutes ahead.
      const times = spans.flatMap(({ start, end }) => [start, end]);
      expect(Math.max(...times) - Math.min(...times)).toBeLessThan(20_000);
      for (const { start, end } of spans) expect(end).toBeGreaterThanOrEqual(start);
    } finally {
      await Promise.all(clients.map((client) => client.close()));
    }
  });

  it('shows what a client refused as an error, and never why', async () => {
    const trace = 'cccccccccccccccccccccccccccccccc';
    const client = await follow(following.url);
    try {
      await publish('pool: unlucky\n', trace);
      const apply = await eventually(async () => {
        const [span] = (await spansOf(trace, 'apply')).filter(({ name }) => name === 'apply');
        return span!;
      });
      expect(apply.failed).toBe(true);
    } finally {
      await client.close();
    }
  });

  it('begins a trace of its own for a request that brings none, or a broken one', async () => {
    await api.get('/api/v1/environments', { traceparent: '00-00000000000000000000000000000000-bbbbbbbbbbbbbbbb-01' });
    const span = await eventually(() => {
      const found = collector.spans.find(({ name }) => name === 'GET /api/v1/environments');
      expect(found).toBeDefined();
      return found!;
    });
    expect(span.parentSpanId ?? '').toBe('');
    expect(span.attributes).toMatchObject({ 'http.response.status_code': '200' });
  });

  it('sends nothing of a trace that its caller does not sample', async () => {
    const trace = 'dddddddddddddddddddddddddddddddd';
    const revision = (await api.must('PUT', DOCUMENT, 'pool: 5\n', { 'content-type': 'application/yaml', traceparent: `00-${trace}-${CALLER}-00` })).json.revision as number;
    const after = 'eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee';
    await publish('pool: 6\n', after);
    await spansOf(after, 'catch up');
    expect(collector.spans.filter(({ traceId, attributes }) => traceId === trace || attributes['trimtab.revision'] === String(revision))).toEqual([]);
  });

  it('sends neither values nor credentials', () => {
    const sent = collector.bodies.join('\n');
    expect(sent).toContain('trimtab.revision');
    expect(sent).not.toContain(SECRET);
    expect(sent).not.toContain(token);
  });
});

describe('given no collector', () => {
  it('loads nothing of what tracing needs', async () => {
    const loaded = async (env: Readonly<Record<string, string>>): Promise<string> => {
      const server = await startServerProcess({ DATABASE_URL: database.url, NODE_OPTIONS: `--require ${path.resolve(__dirname, 'support/loaded-packages.cjs')}`, ...env });
      return (await server.kill()).stdout;
    };
    expect(await loaded({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.url })).toMatch(/^loaded: .*sdk-trace/m);
    // The API is prom-client's, a few kilobytes.
    expect(await loaded({})).toMatch(/^loaded: (api)?$/m);
  });
});
