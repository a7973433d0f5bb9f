import { TARGETS } from './catalog';
import { Random } from './random';

/** Every fault there is, and how long it lasts: `[shortest, longest]` in milliseconds, 0 for what is over at once. */
export const FAULTS = {
  'replica-kill': [200, 2_000],
  'replica-stop': [100, 500],
  'replica-pause': [400, 4_000],
  'client-kill': [100, 1_500],
  'client-pause': [400, 3_000],
  'postgres-quit': [200, 2_500],
  'postgres-kill': [200, 2_500],
  'postgres-pause': [300, 3_000],
  'listener-cut': [0, 0],
  'backends-cut': [0, 0],
  'clients-cut': [0, 0],
  'client-moves': [0, 0],
  'half-open': [0, 0],
  'silence': [500, 4_000],
  'slow-network': [1_000, 5_000],
  'slow-database': [1_000, 5_000],
  'database-silence': [500, 4_000],
  'database-half-open': [0, 0],
  'late-commit': [500, 3_000],
  'lost-commit': [500, 2_000],
  'foreign-lock': [300, 2_500],
  'clock-shift': [1_500, 6_000],
  'disk-full': [1_000, 4_000],
  'key-replaced': [0, 0],
  'edge-kill': [200, 2_000],
  'nats-silence': [500, 4_000],
  'nats-pause': [300, 2_500],
  'nats-kill': [200, 2_500],
} as const satisfies Record<string, readonly [number, number]>;

export type FaultKind = keyof typeof FAULTS;

/** A fault to come: it happens `at` milliseconds after the start, to the one of its kind that `index` names. */
export interface PlannedFault {
  readonly kind: FaultKind;
  readonly at: number;
  readonly forMs: number;
  readonly index: number;
  /** A number of its own for what else the fault has to decide, from 0 up to 1. */
  readonly chance: number;
}

export type ClientKind = 'library' | 'process' | 'events' | 'polls';

export interface PlannedClient {
  readonly name: string;
  readonly kind: ClientKind;
  readonly target: string;
  /** The server it begins at: a replica, or beyond those an edge. */
  readonly server: number;
}

export interface PlanOptions {
  readonly seed: number;
  readonly seconds: number;
  readonly replicas: number;
  readonly edges: number;
  readonly clients: number;
  readonly publishers: number;
  /** The faults this machine can make, or that were asked for. */
  readonly kinds: readonly FaultKind[];
}

export interface Plan {
  readonly options: PlanOptions;
  readonly clients: readonly PlannedClient[];
  readonly faults: readonly PlannedFault[];
}

const MEAN_GAP_MS = 900;
/** What a fault hits is left alone this long afterwards. */
const RECOVERY_MS = 1_500;
const MOST_AT_ONCE = 4;
const CLIENT_KINDS: readonly ClientKind[] = ['library', 'process', 'events', 'polls'];

/** What would get into each other's way: two faults of one group never hit the same thing at once. */
const GROUPS: Readonly<Partial<Record<FaultKind, string>>> = {
  'replica-kill': 'replica', 'replica-stop': 'replica', 'replica-pause': 'replica',
  'client-kill': 'client', 'client-pause': 'client',
  'postgres-quit': 'postgres', 'postgres-kill': 'postgres', 'postgres-pause': 'postgres', 'foreign-lock': 'postgres',
  'silence': 'link', 'slow-network': 'link',
  'slow-database': 'database-link', 'database-silence': 'database-link', 'late-commit': 'database-link', 'lost-commit': 'database-link',
  'edge-kill': 'edge', 'nats-silence': 'edge', 'nats-pause': 'nats', 'nats-kill': 'nats', 'clock-shift': 'clock', 'disk-full': 'disk',
};

/** The whole of a run, decided beforehand: the same options give the same plan. */
export function planChaos(options: PlanOptions): Plan {
  const random = new Random(options.seed);
  const clients = planClients(options, random.fork('clients'));
  return { options, clients, faults: planFaults(options, clients, random.fork('faults')) };
}

function planClients({ clients, replicas, edges }: PlanOptions, random: Random): PlannedClient[] {
  const targets = random.shuffled(TARGETS);
  return Array.from({ length: clients }, (_, index) => {
    const kind = CLIENT_KINDS[index % CLIENT_KINDS.length]!;
    return { name: `${kind}-${index + 1}`, kind, target: targets[index % targets.length]!, server: random.below(replicas + edges) };
  });
}

/** Takes the kinds in shuffled rounds, so that a run of some length has them all. */
function planFaults(options: PlanOptions, clients: readonly PlannedClient[], random: Random): PlannedFault[] {
  const end = options.seconds * 1_000;
  const planned: PlannedFault[] = [];
  let waiting: FaultKind[] = [];
  const make = (kind: FaultKind, at: number): PlannedFault => {
    const [shortest, longest] = FAULTS[kind];
    const forMs = Math.round(Math.min(random.between(shortest, longest), Math.max(shortest, end - at)));
    return { kind, at, forMs, index: random.below(hitBy(kind, options, clients)), chance: random.next() };
  };
  for (let at = random.between(200, 800); at < end - 200; at += random.between(0.2, 1.8) * MEAN_GAP_MS) {
    if (waiting.length < options.kinds.length) waiting = [...waiting, ...random.shuffled(options.kinds)];
    if (planned.filter((other) => other.at + other.forMs > at).length >= MOST_AT_ONCE) continue;
    for (const [place, kind] of waiting.entries()) {
      const fault = make(kind, Math.round(at));
      if (planned.some((other) => collide(other, fault))) continue;
      planned.push(fault);
      waiting.splice(place, 1);
      break;
    }
  }
  return planned;
}

/** How many things of the kind there are that the fault could hit. */
function hitBy(kind: FaultKind, { replicas, edges }: PlanOptions, clients: readonly PlannedClient[]): number {
  if (kind === 'client-kill' || kind === 'client-pause') return Math.max(1, clients.filter((client) => client.kind === 'process').length);
  if (GROUPS[kind] === 'edge') return Math.max(1, edges);
  const group = GROUPS[kind];
  if (group === 'replica' || group === 'database-link' || group === 'clock' || kind === 'database-half-open') return replicas;
  if (group === 'link' || ['client-moves', 'half-open', 'key-replaced', 'clients-cut'].includes(kind)) return Math.max(1, clients.length);
  return 1;
}

function collide(one: PlannedFault, other: PlannedFault): boolean {
  const group = GROUPS[one.kind];
  return (
    group !== undefined &&
    group === GROUPS[other.kind] &&
    one.index === other.index &&
    one.at < other.at + other.forMs + RECOVERY_MS &&
    other.at < one.at + one.forMs + RECOVERY_MS
  );
}
