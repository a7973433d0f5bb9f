import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { eventually } from './eventually';
import { opened } from './open-resources';

/** A real `nats-server` with JetStream, on a port and in a folder of its own. */
export interface NatsServer {
  /** `nats://127.0.0.1:…`; the same after a restart. */
  readonly url: string;
  /** For leaf nodes; 0 when it takes none. */
  readonly leafPort: number;
  signal(signal: NodeJS.Signals): void;
  /** Kills it, and starts it again on what it has kept. */
  restart(): Promise<void>;
  kill(): Promise<void>;
  /** Starts it again after {@link kill}; `empty`: with nothing of what it had kept. */
  start(options?: { readonly empty?: boolean }): Promise<void>;
  /** Ends it and removes its folder. */
  close(): Promise<void>;
}

export interface NatsOptions {
  /** JetStream domain. */
  readonly domain?: string;
  /** Takes leaf nodes. */
  readonly hub?: boolean;
  /** `127.0.0.1:…` of the hub that this is a leaf of. */
  readonly leafOf?: string;
  /** Users and what they may do, as the server's configuration says it. */
  readonly authorization?: string;
  /** Its name in a cluster, its port there, and everybody's. */
  readonly cluster?: { readonly name: string; readonly port: number; readonly ports: readonly number[] };
}

/**
 * Whether the specs that need a `nats-server` can run. Where everything has to be there (TRIMTAB_CI=1) a missing one is
 * a failure; elsewhere they are skipped, and say so.
 */
export function natsAvailable(): boolean {
  try {
    execFileSync('nats-server', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    if (process.env.TRIMTAB_CI === '1') throw new Error('There is no nats-server on the PATH, and TRIMTAB_CI=1 asks for all specs. Install it: apt-get install nats-server.');
    process.stderr.write('Skipped, because there is no nats-server on the PATH: the specs of NATS and of edges.\n');
    return false;
  }
}

/**
 * `describe` where there is a `nats-server`. Elsewhere these specs cannot run, Debian has one and other systems may not: they
 * are skipped with a notice, but never in CI, where {@link natsAvailable} fails. Commands, which have neither, start a NATS too.
 */
export const describeWithNats = typeof describe === 'undefined' ? (undefined as never) : natsAvailable() ? describe : describe.skip;

export async function startNats({ domain, hub = false, leafOf, authorization, cluster }: NatsOptions = {}): Promise<NatsServer> {
  const folder = mkdtempSync(path.join(tmpdir(), 'trimtab-nats-'));
  const store = path.join(folder, 'store');
  const config = path.join(folder, 'nats.conf');
  const ports = { client: -1, leaf: -1 };
  const closed = opened(`nats-server in ${folder}`);
  let child: ChildProcess | undefined;
  let ended: Promise<unknown> = Promise.resolve();

  const start = async ({ empty = false } = {}): Promise<void> => {
    if (empty) rmSync(store, { recursive: true, force: true });
    writeFileSync(config, configOf({ store, domain, hub, leafOf, authorization, cluster, ports }));
    const started = spawn('nats-server', ['--config', config, '--ports_file_dir', folder], { stdio: 'ignore' });
    child = started;
    ended = new Promise((resolve) => started.once('close', resolve));
    const file = path.join(folder, `nats-server_${started.pid}.ports`);
    await eventually(() => {
      if (!existsSync(file)) throw new Error('The nats-server has not said where it listens.');
      const said = JSON.parse(readFileSync(file, 'utf8')) as { nats: string[]; leafnodes?: string[] };
      ports.client = Number(new URL(said.nats[0]!).port);
    });
  };
  const kill = async (): Promise<void> => {
    child?.kill('SIGKILL');
    await ended;
  };
  if (hub) ports.leaf = await freePort();
  await start();
  return {
    get url() {
      return `nats://127.0.0.1:${ports.client}`;
    },
    get leafPort() {
      return hub ? ports.leaf : 0;
    },
    signal: (signal) => void child?.kill(signal),
    kill,
    start,
    restart: async () => {
      await kill();
      await start();
    },
    close: async () => {
      await kill();
      rmSync(folder, { recursive: true, force: true });
      closed();
    },
  };
}

/** Three servers that keep everything together. */
export async function startNatsCluster(): Promise<NatsServer[]> {
  const ports = [await freePort(), await freePort(), await freePort()];
  return Promise.all(ports.map((port, index) => startNats({ cluster: { name: `server-${index}`, port, ports } })));
}

function configOf({ store, domain, hub, leafOf, authorization, cluster, ports }: NatsOptions & { readonly store: string; readonly ports: { client: number; leaf: number } }): string {
  return [
    `listen: "127.0.0.1:${ports.client}"`,
    `jetstream { store_dir: "${store}"${domain === undefined ? '' : `, domain: "${domain}"`} }`,
    ...(hub ? [`leafnodes { listen: "127.0.0.1:${ports.leaf}" }`] : []),
    ...(leafOf === undefined ? [] : [`leafnodes { reconnect: 1, remotes: [ { url: "nats-leaf://${leafOf}" } ] }`]),
    ...(authorization === undefined ? [] : [`authorization { ${authorization} }`]),
    ...(cluster === undefined ? [] : [`server_name: "${cluster.name}"`, `cluster { name: "trimtab", listen: "127.0.0.1:${cluster.port}", routes: [${cluster.ports.map((port) => `"nats-route://127.0.0.1:${port}"`).join(', ')}] }`]),
    '',
  ].join('\n');
}

async function freePort(): Promise<number> {
  const { createServer } = await import('node:net');
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}
