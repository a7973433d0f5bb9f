import { ProcessClient } from './chaos-client';
import { DiskFolder } from './disk-folder';
import { findFaketime } from './clock';
import { FAULTS, type FaultKind, type PlannedFault } from './plan';
import type { World } from './world';

/** A fault that has begun: what was hit, and how it is healed again. */
export interface Begun {
  readonly what: string;
  heal?(): Promise<void> | void;
}

type Begin = (world: World, fault: PlannedFault) => Promise<Begun> | Begun;

const MINUTES_10 = 600;
const EDGE_FAULTS: readonly FaultKind[] = ['edge-kill', 'nats-silence', 'nats-pause', 'nats-kill'];

const FAULT_TABLE: Readonly<Partial<Record<FaultKind, Begin>>> = {
  'replica-kill': async (world, { index }) => {
    const { server } = world.replicas[index]!;
    await server.end('SIGKILL');
    return { what: server.name, heal: () => server.start() };
  },
  'replica-stop': async (world, { index }) => {
    const { server } = world.replicas[index]!;
    await server.end('SIGTERM');
    return { what: server.name, heal: () => server.start() };
  },
  'replica-pause': (world, { index }) => {
    const { server } = world.replicas[index]!;
    server.pause();
    return { what: server.name, heal: () => server.resume() };
  },
  'client-kill': async (world, fault) => {
    const client = processClient(world, fault);
    await client.kill();
    return { what: client.plan.name, heal: () => client.restart() };
  },
  'client-pause': (world, fault) => {
    const client = processClient(world, fault);
    client.pause();
    return { what: client.plan.name, heal: () => client.resume() };
  },
  'postgres-quit': (world) => killPostgres(world, 'SIGQUIT'),
  'postgres-kill': (world) => killPostgres(world, 'SIGKILL'),
  'postgres-pause': ({ postgres }, { chance }) => {
    const whole = chance < 0.5;
    postgres.pause(whole);
    return { what: whole ? 'all its processes' : 'its backends', heal: () => postgres.resume() };
  },
  'listener-cut': async ({ postgres }) => ({ what: `${await postgres.terminate('listeners')} sessions` }),
  'backends-cut': async ({ postgres }) => ({ what: `${await postgres.terminate('everyone')} sessions` }),
  'clients-cut': (world, { chance }) => {
    const cut = world.clients.filter((_, index) => (index * 7 + Math.floor(chance * 5)) % 2 === 0);
    for (const { link } of cut) link.cut();
    return { what: `${cut.length} clients` };
  },
  'client-moves': (world, { index, chance }) => {
    const server = world.serverOf(Math.floor(chance * world.servers.length));
    // One of them, or all at once as when a balancer takes a server out.
    const moving = (chance * 7) % 1 < 0.5 ? [clientOf(world, index)] : world.clients;
    for (const { link } of moving) {
      link.retarget(server.url);
      link.cut();
    }
    return { what: `${moving.length === 1 ? moving[0]!.plan.name : 'all clients'} to ${server.name}` };
  },
  'half-open': (world, { index }) => {
    const client = clientOf(world, index);
    client.link.halfOpen();
    return { what: client.plan.name };
  },
  'silence': (world, { index }) => {
    const client = clientOf(world, index);
    client.link.silence();
    return { what: client.plan.name, heal: () => client.link.heal() };
  },
  'slow-network': (world, { index, chance }) => {
    const client = clientOf(world, index);
    client.link.slow(20 + chance * 300, 0.5 + chance * 20);
    return { what: client.plan.name, heal: () => client.link.heal() };
  },
  'slow-database': (world, { index, chance }) => {
    const { server, database } = world.replicas[index]!;
    database.slow(5 + chance * 60, 100);
    return { what: server.name, heal: () => database.heal() };
  },
  'database-silence': (world, { index }) => {
    const { server, database } = world.replicas[index]!;
    database.silence();
    return { what: server.name, heal: () => database.heal() };
  },
  'database-half-open': (world, { index }) => {
    const { server, database } = world.replicas[index]!;
    database.halfOpen();
    return { what: server.name };
  },
  'late-commit': (world, { index, chance }) => {
    const { server, database } = world.replicas[index]!;
    database.delayCommits(50 + chance * 800);
    return { what: server.name, heal: () => database.heal() };
  },
  'lost-commit': (world, { index }) => {
    const { server, database } = world.replicas[index]!;
    database.loseNextCommit();
    return { what: server.name, heal: () => database.heal() };
  },
  'foreign-lock': async ({ postgres }) => ({ what: 'the log', heal: await postgres.holdLogLock() }),
  'clock-shift': (world, { index, chance }) => {
    const { server } = world.replicas[index]!;
    const seconds = chance < 0.5 ? MINUTES_10 : -MINUTES_10;
    server.shiftClock(seconds);
    return { what: `${server.name} by ${seconds / 60} min`, heal: () => server.shiftClock(0) };
  },
  'disk-full': ({ disk }) => {
    disk.fill();
    return { what: 'where client processes keep their copies', heal: () => disk.free() };
  },
  'edge-kill': async ({ edges }, { index }) => {
    const { server } = edges[index]!;
    await server.end('SIGKILL');
    return { what: server.name, heal: () => server.start() };
  },
  'nats-silence': ({ edges }, { index }) => {
    const { server, upstream } = edges[index]!;
    upstream.silence();
    return { what: server.name, heal: () => upstream.heal() };
  },
  'nats-pause': ({ nats }) => {
    nats?.signal('SIGSTOP');
    return { what: 'NATS', heal: () => nats?.signal('SIGCONT') };
  },
  'nats-kill': async ({ nats }) => {
    await nats?.kill();
    return { what: 'NATS', heal: () => nats?.start() };
  },
  'key-replaced': async (world, { index, chance }) => {
    const client = clientOf(world, index);
    await world.replaceKey(client, Math.floor(chance * world.replicas.length));
    return { what: client.plan.name };
  },
};

/** The faults that can be made here, and why the others cannot. */
export function availableFaults(edges: number): { readonly kinds: readonly FaultKind[]; readonly missing: readonly string[] } {
  const missing: string[] = [];
  const without = new Set<FaultKind>();
  const lacks = (kind: FaultKind, why: string): void => {
    without.add(kind);
    missing.push(`${kind}: ${why}`);
  };
  for (const kind of EDGE_FAULTS) if (edges === 0) without.add(kind);
  if (findFaketime() === undefined) lacks('clock-shift', 'libfaketime is not installed (Debian: apt-get install libfaketime)');
  if (!DiskFolder.canFill) lacks('disk-full', 'a file system of its own takes root and unshare');
  const kinds = (Object.keys(FAULTS) as FaultKind[]).filter((kind) => FAULT_TABLE[kind] !== undefined && !without.has(kind));
  return { kinds, missing };
}

export async function beginFault(world: World, fault: PlannedFault): Promise<Begun> {
  return FAULT_TABLE[fault.kind]!(world, fault);
}

async function killPostgres(world: World, signal: 'SIGQUIT' | 'SIGKILL'): Promise<Begun> {
  const { postgres } = world;
  await postgres.kill(signal);
  return {
    what: signal,
    heal: async () => {
      await postgres.restart();
      for (const { database } of world.replicas) database.retarget(postgres.port);
    },
  };
}

function clientOf(world: World, index: number): World['clients'][number] {
  return world.clients[index % world.clients.length]!;
}

function processClient(world: World, { index }: PlannedFault): ProcessClient {
  const processes = world.clients.filter((client) => client instanceof ProcessClient);
  return processes[index % processes.length]!;
}
