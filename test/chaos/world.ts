import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Api, type Answer } from '../support/api';
import { eventually } from '../support/eventually';
import { type NatsServer, startNats } from '../support/nats';
import { ENVIRONMENTS, INCLUDES, LAYERS, partsOf, SERVICES } from './catalog';
import { type ChaosClient, InnerClient, ProcessClient } from './chaos-client';
import { ChaosPostgres } from './chaos-postgres';
import { ChaosServer } from './chaos-server';
import { faketimeEnvironment, findFaketime } from './clock';
import { DiskFolder } from './disk-folder';
import { Link } from './link';
import type { Plan } from './plan';

/** One replica, and the network between it and Postgres. */
export interface Replica {
  readonly server: ChaosServer;
  readonly database: Link;
}

/** A client key as the API made it. */
interface ClientKey {
  readonly id: string;
  readonly secret: string;
}

/** One edge, and the network between it and NATS. */
export interface Edge {
  readonly server: ChaosServer;
  readonly upstream: Link;
}

export interface WorldOptions {
  /** Where everything of the run is kept. */
  readonly folder: string;
  readonly plan: Plan;
  /** What runs the server, when it is not `node dist/main.js`: the self-test breaks a copy of it. */
  readonly command?: readonly string[];
  /** Parameters of Postgres. */
  readonly postgres?: Readonly<Record<string, string>>;
}

const MAIN = path.resolve(__dirname, '../../dist/main.js');
const REQUEST_TIMEOUT_MS = 3_000;
const START_TIMEOUT_MS = 60_000;

/** Heartbeats, bookmarks and time limits are short, so that what depends on them happens within the run. */
const SETTINGS = {
  TRIMTAB_FEED_HEARTBEAT_MS: '500',
  TRIMTAB_FEED_BOOKMARK_INTERVAL_MS: '200',
  TRIMTAB_LOG_POLL_INTERVAL_MS: '500',
  TRIMTAB_DATABASE_CONNECT_TIMEOUT_MS: '2000',
  TRIMTAB_DATABASE_STATEMENT_TIMEOUT_MS: '3000',
  TRIMTAB_SHUTDOWN_TIMEOUT_MS: '3000',
  TRIMTAB_FEED_MOVE_WITHIN_MS: '300',
};

/** Servers, a Postgres, clients, and the networks between them. */
export class World {
  readonly replicas: Replica[] = [];
  readonly edges: Edge[] = [];
  readonly clients: ChaosClient[] = [];
  readonly revokedSecrets: string[] = [];
  readonly exits: { server: string; detail: string }[] = [];
  private readonly keys = new Map<string, ClientKey>();
  private token = '';
  /** Reads everything, also from edges, which know no administrator. */
  private readKey = '';

  private constructor(
    private readonly options: WorldOptions,
    readonly postgres: ChaosPostgres,
    readonly disk: DiskFolder,
    /** Present with edges only. */
    readonly nats: NatsServer | undefined,
  ) {}

  static async start(options: WorldOptions): Promise<World> {
    const { folder } = options;
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const postgres = await ChaosPostgres.start(folder, options.postgres);
    const disk = await DiskFolder.make(path.join(folder, 'copies'));
    const world = new World(options, postgres, disk, options.plan.options.edges > 0 ? await startNats() : undefined);
    try {
      await world.startServers();
      await world.prepareCatalog();
      // Whatever a Postgres may lose later, a run begins with this.
      await postgres.use((client) => client.query('CHECKPOINT'));
      return world;
    } catch (error) {
      await world.stop();
      throw error;
    }
  }

  /** All servers that clients may use. */
  get servers(): readonly ChaosServer[] {
    return [...this.replicas, ...this.edges].map(({ server }) => server);
  }

  /** A request to a replica itself, which does not wait for ever. */
  request(replica: number, method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answer> {
    const { url } = this.replicas[replica]!.server;
    return new Api(url, this.token).request(method, path, body, headers, AbortSignal.timeout(REQUEST_TIMEOUT_MS));
  }

  /** What a server answers to a plain read. */
  read(server: ChaosServer, target: string, secret = this.readKey): Promise<Answer> {
    const { service, environment } = partsOf(target);
    return new Api(server.url, secret).request('GET', `/v1/config/${environment}/${service}`, undefined, {}, AbortSignal.timeout(REQUEST_TIMEOUT_MS));
  }

  async startClients(): Promise<void> {
    const { clients } = this.options.plan;
    await Promise.all(
      clients.map(async (planned) => {
        // Nothing is broken yet, but a machine may be busy.
        const key = await eventually(() => this.createKey(planned.target, planned.name), { timeoutMs: START_TIMEOUT_MS });
        const server = this.serverOf(planned.server);
        // A key that was made at one server is known to the others a moment later.
        await eventually(async () => {
          const { status, text } = await this.read(server, planned.target, key.secret);
          if (status !== 200) throw new Error(text);
        });
        const link = await Link.to(server.url);
        const client = planned.kind === 'process' ? new ProcessClient(planned, link, this.disk, key.secret) : new InnerClient(planned, link, key.secret);
        client.key = key.secret;
        this.keys.set(planned.name, key);
        this.clients.push(client);
        await client.start(server.url);
      }),
    );
    const order = new Map(clients.map(({ name }, index) => [name, index]));
    this.clients.sort((one, other) => order.get(one.plan.name)! - order.get(other.plan.name)!);
  }

  serverOf(index: number): ChaosServer {
    return this.servers[index % this.servers.length]!;
  }

  /** Gives the client a new key, and revokes the one before. */
  async replaceKey(client: ChaosClient, replica: number): Promise<void> {
    const { name, target } = client.plan;
    const before = this.keys.get(name)!;
    const next = await this.createKey(target, name, replica);
    client.key = next.secret;
    this.keys.set(name, next);
    const { status, text } = await this.request(replica, 'DELETE', `/api/v1/client-keys/${before.id}`);
    if (status >= 300) throw new Error(text);
    this.revokedSecrets.push(before.secret);
  }

  /** Everything ends, whatever state it is in; nothing is left running. */
  async stop(): Promise<void> {
    this.postgres.resume();
    this.nats?.signal('SIGCONT');
    for (const { database } of this.replicas) database.heal();
    for (const server of this.servers) server.resume();
    await Promise.all(this.clients.map((client) => client.stop()));
    await Promise.all(this.servers.map((server) => server.close()));
    await Promise.all([...this.replicas.map(({ database }) => database.close()), ...this.edges.map(({ upstream }) => upstream.close())]);
    await Promise.all(this.clients.map(({ link }) => link.close()));
    await this.nats?.close();
    await this.disk.close();
    await this.postgres.stop();
  }

  private async startServers(): Promise<void> {
    const { replicas, edges } = this.options.plan.options;
    // The first one makes the schema and the token.
    await this.startReplica(0);
    this.token = this.replicas[0]!.server.token ?? '';
    await Promise.all([
      ...Array.from({ length: replicas - 1 }, (_, index) => this.startReplica(index + 1)),
      ...Array.from({ length: edges }, (_, index) => this.startEdge(index)),
    ]);
  }

  private async startReplica(index: number): Promise<void> {
    const name = `replica-${index + 1}`;
    const database = await Link.to(this.postgres.port);
    const nats: Record<string, string> = this.nats === undefined ? {} : { TRIMTAB_NATS_URL: this.nats.url };
    const server = this.server(name, { ...nats, DATABASE_URL: database.through(this.postgres.url) });
    this.replicas[index] = { server, database };
    await started(server);
  }

  private async startEdge(index: number): Promise<void> {
    const url = this.nats?.url ?? '';
    const upstream = await Link.to(url);
    const server = this.server(`edge-${index + 1}`, { TRIMTAB_ROLE: 'edge', TRIMTAB_NATS_URL: upstream.through(url).replace(/\/$/, '') });
    this.edges[index] = { server, upstream };
    await started(server);
  }

  /** A server with a copy on the disk that may be full, and a clock that may be wrong. */
  private server(name: string, env: Record<string, string>): ChaosServer {
    const { clockFile, ...clock } = this.clockOf(name);
    const command = [...this.disk.command, ...(this.options.command ?? [])];
    return new ChaosServer({
      name,
      env: { ...SETTINGS, TRIMTAB_COPY_FOLDER: path.join(this.disk.inside, name), ...env, ...clock.env },
      command: this.options.command === undefined ? [...command, process.execPath, MAIN] : command,
      ...(clockFile === undefined ? {} : { clockFile }),
      onUnexpectedExit: (detail) => void this.exits.push({ server: name, detail }),
    });
  }

  private clockOf(name: string): { readonly env: Record<string, string>; readonly clockFile?: string } {
    const library = findFaketime();
    if (library === undefined) return { env: {} };
    const clockFile = path.join(this.options.folder, `clock-${name}`);
    writeFileSync(clockFile, '+0');
    return { env: faketimeEnvironment(library, clockFile), clockFile };
  }

  private async prepareCatalog(): Promise<void> {
    const api = new Api(this.replicas[0]!.server.url, this.token);
    await api.given(ENVIRONMENTS, SERVICES);
    for (const [service, included] of Object.entries(INCLUDES)) await api.include(`${service}@base`, ...included);
    for (const layer of LAYERS) {
      const { service, environment } = partsOf(layer);
      const place = `/api/v1/services/${service}/environments/${environment}/documents/application`;
      await api.must('PUT', place, JSON.stringify({ [layer]: 0 }), { 'content-type': 'application/json' });
    }
    this.readKey = (await api.must('POST', '/api/v1/client-keys', { name: 'reader', service: '*', environment: 'base' })).json.secret as string;
  }

  private async createKey(target: string, name: string, replica = 0): Promise<ClientKey> {
    const { status, json, text } = await this.request(replica, 'POST', '/api/v1/client-keys', { name, ...partsOf(target) });
    if (status >= 300) throw new Error(text);
    return json as ClientKey;
  }
}

async function started(server: ChaosServer): Promise<void> {
  const late = sleep(START_TIMEOUT_MS, 'late' as const, { ref: false });
  if ((await Promise.race([server.start(), late])) === 'late') throw new Error(`${server.name} did not start:\n${server.output.slice(-2_000)}`);
}
