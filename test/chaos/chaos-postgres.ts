import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { ADVISORY_LOCKS } from '../../src/database/advisory-locks';
import { EmbeddedPostgres } from '../../src/database/embedded-postgres';
import { findPostmaster } from '../../src/database/postmaster';
import { descendantsOf, signalAll } from './process-fault';

const LISTENERS = "application_name = 'trimtab listener'";
const EVERYONE = 'datname = current_database()';

/** A Postgres of this run's own, and everything that can happen to one. */
export class ChaosPostgres {
  private readonly left: EmbeddedPostgres[] = [];
  private paused: number[] = [];

  private constructor(
    private readonly folder: string,
    private readonly parameters: Readonly<Record<string, string>>,
    private current: EmbeddedPostgres,
  ) {}

  static async start(folder: string, parameters: Readonly<Record<string, string>> = {}): Promise<ChaosPostgres> {
    return new ChaosPostgres(folder, parameters, await EmbeddedPostgres.start({ folder, parameters }));
  }

  get url(): string {
    return this.current.url;
  }

  get port(): number {
    return Number(new URL(this.current.url).port);
  }

  /** `SIGQUIT`: what Postgres calls an immediate shutdown. `SIGKILL`: its processes find themselves without a parent. */
  async kill(signal: 'SIGQUIT' | 'SIGKILL'): Promise<void> {
    const pid = this.postmaster();
    if (pid === undefined) return;
    const children = descendantsOf(pid);
    process.kill(pid, signal);
    if (signal === 'SIGKILL') signalAll(children, 'SIGKILL');
    while (this.postmaster() !== undefined) await sleep(20);
  }

  async restart(): Promise<void> {
    const { folder, parameters } = this;
    this.left.push(this.current);
    this.current = await EmbeddedPostgres.start({ folder, parameters });
  }

  /** Stops its backends, and with `whole` the process that would start new ones too. */
  pause(whole: boolean): void {
    const pid = this.postmaster();
    if (pid === undefined) return;
    this.paused = [...(whole ? [pid] : []), ...descendantsOf(pid)];
    signalAll(this.paused, 'SIGSTOP');
  }

  resume(): void {
    signalAll(this.paused, 'SIGCONT');
    this.paused = [];
  }

  terminate(which: 'listeners' | 'everyone'): Promise<number> {
    const condition = which === 'listeners' ? LISTENERS : EVERYONE;
    return this.use(async (client) => {
      const { rowCount } = await client.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE ${condition} AND pid <> pg_backend_pid()`);
      return rowCount ?? 0;
    });
  }

  /** Somebody else's transaction takes the lock of the log, and keeps it until the returned function is called. */
  async holdLogLock(): Promise<() => Promise<void>> {
    const client = await this.connect();
    try {
      await client.query('BEGIN');
      await client.query('SELECT pg_advisory_xact_lock($1, $2)', [...ADVISORY_LOCKS.log]);
    } catch (error) {
      await client.end().catch(() => undefined);
      throw error;
    }
    return () => client.end().catch(() => undefined);
  }

  async use<T>(work: (client: Client) => Promise<T>): Promise<T> {
    const client = await this.connect();
    try {
      return await work(client);
    } finally {
      await client.end().catch(() => undefined);
    }
  }

  async stop(): Promise<void> {
    this.resume();
    for (const earlier of this.left) await earlier.stop();
    await this.current.stop();
    await this.kill('SIGQUIT');
  }

  private async connect(): Promise<Client> {
    const client = new Client({ connectionString: this.url, connectionTimeoutMillis: 3_000, query_timeout: 10_000, application_name: 'chaos' });
    // A fault may end it at any time; whoever waits for an answer is told by the query.
    client.on('error', () => undefined);
    await client.connect();
    return client;
  }

  private postmaster(): number | undefined {
    const found = findPostmaster(path.join(this.folder, 'postgres', 'data'));
    return found.kind === 'running' ? found.pid : undefined;
  }
}
