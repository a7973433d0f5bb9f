import { existsSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { DomainError } from '../kernel/domain-error';
import { ADVISORY_LOCKS } from './advisory-locks';
import { execute, locateBinaries, type PostgresBinaries } from './postgres-binaries';
import { type Cluster, CLUSTER_USER, openCluster } from './postgres-cluster';
import { disownPidFile, findPostmaster } from './postmaster';

export interface EmbeddedPostgresOptions {
  /** Made with mode 0700 when it does not exist. */
  readonly folder: string;
  /** Further server parameters, e.g. `{ fsync: 'off' }` for tests. Plain words and numbers only. */
  readonly parameters?: Readonly<Record<string, string>>;
}

const DATABASE = 'trimtab';
const START_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 15_000;
/** How long connections of ours that were just closed may take to disappear from the server's list. */
const LEAVE_TIMEOUT_MS = 1_000;
const RETRY_MS = 30;
const MAX_FAILED_STARTS = 5;
const MAX_LOG_BYTES = 10 * 1024 * 1024;

/**
 * A real Postgres in a folder of ours, shared by all processes that use the folder. The first one starts it, later
 * ones attach, and the last one that leaves stops it. It runs in a session of its own, so it outlives a killed
 * process and the next start attaches to it.
 *
 * Nothing here locks: every step looks at what is there, does the one thing that is missing, and looks again. Postgres
 * itself makes sure that there is never more than one server on a data folder.
 */
export class EmbeddedPostgres {
  private constructor(
    /** Connection string of the database `trimtab`. */
    readonly url: string,
    private readonly cluster: Cluster,
    private readonly presence: Client,
  ) {}

  static async start({ folder, parameters = {} }: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
    try {
      const binaries = locateBinaries();
      const cluster = await openCluster(path.resolve(folder), binaries, { durable: parameters.fsync !== 'off' });
      const { client, port } = await attach(cluster, binaries, parameters);
      await ensureDatabase(client);
      return new EmbeddedPostgres(urlOf(cluster, port), cluster, client);
    } catch (cause) {
      if (cause instanceof DomainError) throw cause;
      throw new DomainError('unavailable', `The embedded Postgres did not start: ${messageOf(cause)}. Set DATABASE_URL to use another one.`, { cause });
    }
  }

  /** Leaves; the last one to leave stops the server. */
  async stop(): Promise<void> {
    try {
      if (await this.isLastUser()) await this.shutDown();
    } catch {
      // Without an answer from the server there is nothing to leave: the next start finds out what is there.
    } finally {
      await this.presence.end().catch(() => undefined);
    }
  }

  /**
   * Everyone holds the lock shared. Whoever gets it alone, after giving back its own share, is the last one of ours;
   * of two that leave together, one does. Foreign sessions such as a psql keep the server running as well.
   */
  private async isLastUser(): Promise<boolean> {
    const keys = [...ADVISORY_LOCKS.presence];
    await this.presence.query('SELECT pg_advisory_unlock_shared($1, $2)', keys);
    const { rows } = await this.presence.query<{ alone: boolean }>('SELECT pg_try_advisory_lock($1, $2) AS alone', keys);
    if (rows[0]?.alone !== true) return false;
    const deadline = Date.now() + LEAVE_TIMEOUT_MS;
    while (Date.now() < deadline) {
      if ((await this.countOthers()) === 0) return true;
      await sleep(RETRY_MS);
    }
    return false;
  }

  private async countOthers(): Promise<number> {
    const { rows } = await this.presence.query<{ others: number }>(
      "SELECT count(*)::int AS others FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()",
    );
    return rows[0]?.others ?? 0;
  }

  private async shutDown(): Promise<void> {
    const postmaster = findPostmaster(this.cluster.data);
    if (postmaster.kind !== 'running') return;
    // SIGINT is Postgres' fast shutdown: sessions end, a checkpoint is written.
    process.kill(postmaster.pid, 'SIGINT');
    const deadline = Date.now() + STOP_TIMEOUT_MS;
    while (findPostmaster(this.cluster.data).kind === 'running' && Date.now() < deadline) await sleep(RETRY_MS);
  }
}

/** Returns a session that marks this process as a user of the cluster, starting the server if need be. */
async function attach(
  cluster: Cluster,
  binaries: PostgresBinaries,
  parameters: Readonly<Record<string, string>>,
): Promise<{ client: Client; port: number }> {
  const deadline = Date.now() + START_TIMEOUT_MS;
  let failedStarts = 0;
  let lastError: unknown = new Error(`the server in ${cluster.data} does not answer`);
  while (Date.now() < deadline) {
    const postmaster = findPostmaster(cluster.data);
    if (postmaster.kind === 'recycled') {
      disownPidFile(cluster.data, postmaster.content);
    } else if (postmaster.kind === 'none') {
      try {
        await startServer(cluster, binaries, parameters, failedStarts);
        continue;
      } catch (error) {
        // Another process may have been faster, or children of a killed server are still leaving.
        lastError = error;
        if (++failedStarts >= MAX_FAILED_STARTS) break;
      }
    } else if (postmaster.port !== undefined) {
      try {
        return { client: await connect(cluster, postmaster.port), port: postmaster.port };
      } catch (error) {
        if ((error as { code?: string }).code === '28P01') {
          throw new DomainError('unavailable', `The embedded Postgres does not accept the password in ${path.join(cluster.folder, 'password')}. Put the file back from a backup.`, { cause: error });
        }
        lastError = error;
      }
    }
    await sleep(RETRY_MS * (1 + failedStarts));
  }
  throw lastError;
}

async function startServer(
  cluster: Cluster,
  binaries: PostgresBinaries,
  parameters: Readonly<Record<string, string>>,
  attempt: number,
): Promise<void> {
  const port = await choosePort(cluster, attempt);
  const settings = {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    timezone: 'UTC',
    log_timezone: 'UTC',
    log_checkpoints: 'off',
    ...parameters,
  };
  const options = Object.entries(settings).map(([name, value]) => `-c ${name}=${value}`);
  if (existsSync(cluster.log) && statSync(cluster.log).size > MAX_LOG_BYTES) renameSync(cluster.log, `${cluster.log}.old`);
  const logEnd = existsSync(cluster.log) ? statSync(cluster.log).size : 0;
  const args = ['start', '--wait', '--silent', `--timeout=${START_TIMEOUT_MS / 1_000}`, '--pgdata=data', '--log=log', `--options=-p ${port} ${options.join(' ')}`];
  try {
    await execute(cluster.user, binaries.pgCtl, args, cluster.folder);
    writeFileSync(cluster.port, String(port));
  } catch (cause) {
    throw new Error(reasonFrom(cluster.log, logEnd) ?? messageOf(cause), { cause });
  }
}

/** The port of last time if it is free, so that processes that survived a crash of Postgres find it again. */
async function choosePort(cluster: Cluster, attempt: number): Promise<number> {
  const last = attempt === 0 && existsSync(cluster.port) ? Number(readFileSync(cluster.port, 'utf8')) : 0;
  const free = last > 0 ? await probePort(last).catch(() => 0) : 0;
  return free > 0 ? free : probePort(0);
}

function probePort(port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}

async function connect(cluster: Cluster, port: number): Promise<Client> {
  const client = new Client({
    host: '127.0.0.1',
    port,
    user: CLUSTER_USER,
    password: cluster.password,
    database: 'postgres',
    application_name: 'trimtab presence',
    connectionTimeoutMillis: 5_000,
    keepAlive: true,
  });
  // The server may go away at any time; whoever uses it finds out by itself.
  client.on('error', () => undefined);
  try {
    await client.connect();
    // Waits while the last user of before is stopping the server: the session is then ended, and we look again.
    await client.query('SELECT pg_advisory_lock_shared($1, $2)', [...ADVISORY_LOCKS.presence]);
    return client;
  } catch (error) {
    await client.end().catch(() => undefined);
    throw error;
  }
}

async function ensureDatabase(client: Client): Promise<void> {
  const { rowCount } = await client.query('SELECT FROM pg_database WHERE datname = $1', [DATABASE]);
  if (rowCount !== 0) return;
  try {
    await client.query(`CREATE DATABASE ${DATABASE}`);
  } catch (error) {
    // 42P04 and 23505: another process has just made it.
    if (!['42P04', '23505'].includes((error as { code?: string }).code ?? '')) throw error;
  }
}

function urlOf(cluster: Cluster, port: number): string {
  return `postgres://${CLUSTER_USER}:${cluster.password}@127.0.0.1:${port}/${DATABASE}`;
}

function reasonFrom(log: string, offset: number): string | undefined {
  if (!existsSync(log)) return undefined;
  const added = readFileSync(log).subarray(offset).toString('utf8');
  return /(?:FATAL|PANIC): {2}(.*)/.exec(added)?.[1];
}

function messageOf(error: unknown): string {
  const { stderr, message } = error as { stderr?: string; message: string };
  return (stderr?.trim().split('\n').at(-1) || message).replace(/\.$/, '');
}
