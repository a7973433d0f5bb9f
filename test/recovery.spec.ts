import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { EmbeddedPostgres } from '../src/database/embedded-postgres';
import { findPostmaster } from '../src/database/postmaster';
import { Api } from './support/api';
import { eventually } from './support/eventually';
import { checkHistory, type Published } from './support/feed-checker';
import { observeByPolling, observeEvents, observeWithClient, type Observer } from './support/observers';
import { opened } from './support/open-resources';
import { startProxy, type Proxy } from './support/proxy';
import { startServerProcess, type ServerProcess } from './support/server-process';

/**
 * What a restored older backup does to whoever has seen more, with everything real: processes, a Postgres whose data
 * folder is put back to an earlier copy, and clients of every kind that stay connected all along. The three restores
 * follow on each other: with everything stopped, under running processes, and with processes that remember nothing.
 */
jest.setTimeout(120_000);

let folder: string;
let removed: () => void;
let postgres: EmbeddedPostgres;
const replicas: Replica[] = [];
let observers: Observer[] = [];
let reads: { stop(): Promise<void>; readonly revisions: number[] };
let token: string;
let key: string;
/** What the target has been, as far as anyone was told, lost revisions included. */
const history: Published[] = [];

interface Replica {
  process: ServerProcess;
  readonly proxy: Proxy;
  readonly copy: string;
}

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'trimtab-recovery-'));
  removed = opened(`folder ${folder}`);
  await (await EmbeddedPostgres.start({ folder })).stop();
  // Below the ports that connections go out from, so that nobody takes it while Postgres is down.
  writeFileSync(path.join(folder, 'postgres', 'port'), String(20_000 + (process.pid % 10_000)));
  postgres = await EmbeddedPostgres.start({ folder });
  for (const copy of ['one', 'two']) {
    const server = await start({ TRIMTAB_COPY_FOLDER: path.join(folder, copy) });
    token ??= server.token!;
    replicas.push({ process: server, copy: path.join(folder, copy), proxy: await startProxy(server.url) });
  }
  const api = admin(0);
  await api.given({ production: 'base' }, ['orders', 'billing']);
  key = (await api.must('POST', '/api/v1/client-keys', { name: 'orders', service: 'orders', environment: 'production' })).json.secret as string;
  await publish(0, 'n: 1\n');
  observers = [
    await observeWithClient('client-1', target(0)),
    await observeWithClient('client-2', target(1)),
    observeEvents('events', target(0)),
    observeByPolling('polls', target(1)),
  ];
  reads = readAgainAndAgain();
}, 60_000);

afterAll(async () => {
  await reads.stop();
  await Promise.all(observers.map((observer) => observer.stop()));
  for (const { process, proxy } of replicas) {
    await proxy.close();
    await process.kill('SIGKILL');
  }
  await postgres.stop();
  rmSync(folder, { recursive: true, force: true });
  removed();
}, 60_000);

const admin = (index: number): Api => new Api(replicas[index]!.process.url, token);
const target = (index: number) => ({ url: replicas[index]!.proxy.through(replicas[index]!.process.url), key, service: 'orders', environment: 'production' });
const health = async (index: number) => (await admin(index).get('/health/ready')).json;

function start(env: Record<string, string>): Promise<ServerProcess> {
  return startServerProcess({ DATABASE_URL: postgres.url, TRIMTAB_FEED_HEARTBEAT_MS: '500', TRIMTAB_FEED_BOOKMARK_INTERVAL_MS: '200', ...env });
}

/** Publishes to the layer and notes what the target is from then on. */
async function publish(index: number, source: string, layer = 'orders@base'): Promise<number> {
  const { json, status, text } = await admin(index).putYaml(layer, source);
  if (status !== 200) throw new Error(text);
  await note(index);
  return json.revision as number;
}

async function note(index: number): Promise<Published> {
  const { json } = await admin(index).must('GET', '/v1/config/production/orders');
  const noted = { revision: json.revision as number, etag: json.etag as string };
  history.push(noted);
  return noted;
}

const lastApplied = ({ events }: Observer) => events.findLast((event) => event.type === 'applied');

async function allHave({ revision, etag }: Published): Promise<void> {
  await eventually(() => observers.forEach((observer) => expect([observer.name, lastApplied(observer)]).toMatchObject([observer.name, { revision, etag }])), { timeoutMs: 20_000 });
}

/** Plain reads without a position, of both replicas in turn: each of them must never go back. */
function readAgainAndAgain(): typeof reads {
  const revisions: number[] = [];
  const newest = [0, 0];
  let stopped = false;
  const loop = (async () => {
    for (let turn = 0; !stopped; turn = 1 - turn) {
      const answer = await admin(turn).as(key).get('/v1/config/production/orders').catch(() => undefined);
      if (answer?.status === 200) {
        const { revision } = answer.json as { revision: number };
        if (revision < newest[turn]!) revisions.push(revision);
        newest[turn] = Math.max(newest[turn]!, revision);
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  })();
  return { revisions, stop: () => ((stopped = true), loop) };
}

/** Also when processes are connected. */
async function stopPostgres(): Promise<void> {
  const data = path.join(folder, 'postgres', 'data');
  const postmaster = findPostmaster(data);
  if (postmaster.kind === 'running') process.kill(postmaster.pid, 'SIGINT');
  await eventually(() => expect(findPostmaster(data).kind).not.toBe('running'));
  await postgres.stop();
}

/** A copy of the data folder, taken while nothing runs on it. */
async function backUp(name: string): Promise<void> {
  await stopPostgres();
  execFileSync('cp', ['-a', path.join(folder, 'postgres'), path.join(folder, name)]);
  postgres = await EmbeddedPostgres.start({ folder });
}

async function restore(name: string): Promise<void> {
  const { url } = postgres;
  await stopPostgres();
  rmSync(path.join(folder, 'postgres'), { recursive: true });
  execFileSync('cp', ['-a', path.join(folder, name), path.join(folder, 'postgres')]);
  postgres = await EmbeddedPostgres.start({ folder });
  expect(postgres.url).toBe(url);
}

async function stopAll(): Promise<void> {
  for (const { process } of replicas) await process.kill('SIGKILL');
}

async function startAll(env: (replica: Replica) => Record<string, string>): Promise<void> {
  await Promise.all(
    replicas.map(async (replica) => {
      replica.process = await start({ PORT: new URL(replica.process.url).port, ...env(replica) });
    }),
  );
}

async function expectRefusal(index: number, seen: number): Promise<void> {
  const answer = await admin(index).putYaml('orders@base', 'n: never\n');
  expect(answer.json).toMatchObject({ status: 409, code: 'log_regressed', seen });
  const draft = await admin(index).post('/api/v1/changes', { title: 'a draft' });
  expect(draft.status).toBe(201);
}

async function recover(index: number, seen: number): Promise<void> {
  const { json } = await admin(index).must('POST', '/api/v1/recoveries', { message: 'The disk broke; back to last night.' });
  expect(json).toMatchObject({ revision: seen + 1, seen });
  for (const [each] of replicas.entries()) {
    await eventually(async () => expect(await health(each)).toMatchObject({ serving: 'log', checks: { lag: 0, position: seen + 1 }, log: { state: 'followed' } }));
  }
}

/** Everyone has the same, nobody went back, and whatever anyone applied is what it was published as. */
async function expectAllWell(): Promise<void> {
  await allHave(history.at(-1)!);
  expect(checkHistory(observers.flatMap(({ events }) => events), history)).toEqual([]);
  expect(reads.revisions).toEqual([]);
}

it('keeps everyone where they are when everything was stopped and an older folder put back, and goes on above after a recovery', async () => {
  await stopAll();
  await backUp('backup-1');
  await startAll(({ copy }) => ({ TRIMTAB_COPY_FOLDER: copy }));
  await publish(0, 'n: 2\n');
  // A layer, and a service, that the backup knows nothing of.
  await publish(1, 'own: true\n', 'orders@production');
  await admin(0).given({}, ['late']);
  const seen = await publish(0, 'n: 3\n');
  await allHave(history.at(-1)!);
  await eventually(async () => {
    for (const each of [0, 1]) expect((await health(each)).copy).toMatchObject({ position: seen, behindMs: 0 });
  });

  await stopAll();
  await restore('backup-1');
  await startAll(({ copy }) => ({ TRIMTAB_COPY_FOLDER: copy }));

  for (const each of [0, 1]) {
    expect(await health(each)).toMatchObject({ status: 'ready', serving: 'copy', checks: { position: seen }, log: { state: 'regressed', reason: 'shorter', seen } });
    expect((await admin(each).must('GET', '/v1/config/production/orders')).json).toMatchObject(history.at(-1)!);
    await expectRefusal(each, seen);
  }
  expect(replicas[0]!.process.stderr()).toMatch(/restored from an older backup/);
  // The one that remembers nothing is told by the database what the others know.
  const third = await start({});
  await eventually(async () => expect((await new Api(third.url, token).putYaml('orders@base', 'n: never\n')).json).toMatchObject({ code: 'log_regressed', seen }));
  await third.kill('SIGKILL');

  await recover(1, seen);
  const restored = await note(0);
  expect(restored.revision).toBe(seen + 1);
  expect((await admin(0).values('orders@production')).application).toEqual({ n: 1 });
  await expectAllWell();
});

it('shows the gap in the log, and what was lost as lost', async () => {
  const { revision } = history.at(-1)!;
  const { json } = await admin(0).must('GET', `/api/v1/revisions/${revision}`);
  expect(json).toMatchObject({ kind: 'recovery', message: 'The disk broke; back to last night.', layers: [] });
  const list = (await admin(0).must('GET', '/api/v1/revisions')).json.items as { revision: number }[];
  expect(list.map((item) => item.revision)).toEqual([revision, 1]);
  expect((await admin(0).get(`/v1/config/production/orders?asOf=${revision - 1}`)).json).toMatchObject({ code: 'revision_not_found' });
  expect((await admin(0).must('GET', '/v1/config/production/orders?asOf=1')).json).toMatchObject({ revision: 1 });
  const audit = (await admin(0).must('GET', '/api/v1/audit?action=log.recover')).json.items as { revision: number }[];
  expect(audit).toMatchObject([{ revision }]);
  expect((await admin(0).post('/api/v1/recoveries', { message: 'again' })).json).toMatchObject({ status: 409, code: 'log_not_regressed' });
});

it('gives versions that were lost to other content without mistaking one for the other', async () => {
  await publish(0, 'n: 20\n');
  await publish(1, 'own: false\n', 'orders@production');
  expect((await admin(1).values('orders@production')).application).toEqual({ n: 20, own: false });
  await expectAllWell();
});

it('does the same under processes that go on running', async () => {
  await backUp('backup-2');
  await eventually(async () => expect((await health(0)).serving).toBe('log'));
  await publish(0, 'n: 30\n');
  const seen = await publish(0, 'n: 31\n');
  await allHave(history.at(-1)!);

  await restore('backup-2');
  for (const each of [0, 1]) {
    await eventually(async () => expect(await health(each)).toMatchObject({ status: 'ready', serving: 'copy', checks: { position: seen }, log: { state: 'regressed', seen } }), { timeoutMs: 20_000 });
    expect((await admin(each).must('GET', '/v1/config/production/orders')).json).toMatchObject(history.at(-1)!);
    await expectRefusal(each, seen);
  }
  await recover(0, seen);
  await note(1);
  expect((await admin(0).values('orders@production')).application).toEqual({ n: 20, own: false });
  await expectAllWell();
});

it('recovers above what its clients have seen when no process remembers it', async () => {
  // Who shows no position can be told nothing about it by a process that knows of none.
  await reads.stop();
  await stopAll();
  await backUp('backup-3');
  await startAll(() => ({}));
  const seen = await publish(0, 'n: 40\n');
  await allHave(history.at(-1)!);
  await stopAll();
  await restore('backup-3');
  await startAll(() => ({}));
  const shown = async (each: number): Promise<number> => (await health(each)).log.clientsAhead.highest;
  await eventually(async () => expect(Math.max(await shown(0), await shown(1))).toBe(seen));
  await recover((await shown(0)) === seen ? 0 : 1, seen);
  await note(0);
  await expectAllWell();
});
