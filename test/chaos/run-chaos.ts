import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '../support/eventually';
import { TARGETS } from './catalog';
import { type Breach, checkRun } from './checkers';
import type { End, FaultRecord, Publish, Read, RunHistory } from './history';
import { availableFaults, beginFault, type Begun } from './faults';
import { LogModel } from './log-model';
import { type FaultKind, planChaos, type PlannedFault } from './plan';
import { Publisher } from './publisher';
import { Random } from './random';
import { readLog } from './read-log';
import { World } from './world';

export interface ChaosOptions {
  readonly seed: number;
  readonly seconds: number;
  readonly replicas?: number;
  /** Processes that serve from NATS; none by default. */
  readonly edges?: number;
  readonly clients?: number;
  readonly publishers?: number;
  /** Only these faults; by default all that can be made here. */
  readonly faults?: readonly FaultKind[];
  /** Told what happens, a line each. */
  readonly say?: (line: string) => void;
  /** Ends the faults early; everything is healed and checked as ever. */
  readonly stop?: AbortSignal;
  /** What runs the servers, and parameters of Postgres: the self-test breaks one of them. */
  readonly command?: readonly string[];
  readonly postgres?: Readonly<Record<string, string>>;
  /** How long everybody has at the end to become current. */
  readonly settleMs?: number;
}

export interface ChaosResult {
  readonly history: RunHistory;
  readonly breaches: readonly Breach[];
  /** What the servers have written. */
  readonly outputs: Readonly<Record<string, string>>;
}

const SETTLE_MS = 60_000;
const READ_PAUSE_MS = 40;
const HEAL_TIMEOUT_MS = 60_000;

/** One run: a world, what happens to it, and what is to be said about it. */
export async function runChaos(options: ChaosOptions): Promise<ChaosResult> {
  const folder = mkdtempSync(path.join(tmpdir(), 'trimtab-chaos-'));
  let run: Run | undefined;
  try {
    run = await Run.begin(options, folder);
    await run.disturb();
    const history = await run.settle();
    return { history, breaches: checkRun(history), outputs: run.outputs() };
  } finally {
    await run?.end();
    rmSync(folder, { recursive: true, force: true });
  }
}

class Run {
  private readonly publishes: Publish[] = [];
  private readonly reads: Read[] = [];
  private readonly faults: FaultRecord[] = [];
  private readonly healing = new Set<Promise<void>>();
  private readonly working = new AbortController();
  private readonly publishers: Publisher[];
  private workers: Promise<unknown>[] = [];
  private number = 0;

  private constructor(
    private readonly options: ChaosOptions,
    private readonly world: World,
    private readonly planned: readonly PlannedFault[],
    publishers: number,
  ) {
    this.publishers = Array.from({ length: publishers }, (_, index) => this.publisher(`publisher-${index + 1}`));
  }

  static async begin(options: ChaosOptions, folder: string): Promise<Run> {
    const { seed, seconds, replicas = 3, edges = 0, clients = 12, publishers = 3, faults } = options;
    const { kinds } = availableFaults(edges);
    const plan = planChaos({ seed, seconds, replicas, edges, clients, publishers, kinds: kinds.filter((kind) => faults === undefined || faults.includes(kind)) });
    const world = await World.start({ folder, plan, ...(options.command && { command: options.command }), ...(options.postgres && { postgres: options.postgres }) });
    try {
      await world.startClients();
      return new Run(options, world, plan.faults, publishers);
    } catch (error) {
      await world.stop();
      throw error;
    }
  }

  /** Publishes, reads, and lets happen what is planned; then heals. */
  async disturb(): Promise<void> {
    const { world, options } = this;
    const { signal } = this.working;
    this.say(`${world.replicas.length} replicas, ${world.edges.length} edges and ${world.clients.length} clients are up; ${this.planned.length} faults in ${options.seconds} s`);
    const began = performance.now();
    this.workers = [...this.publishers.map((publisher) => publisher.run(signal)), ...world.servers.map((_, index) => this.keepReading(index, signal))];
    for (const fault of this.planned) {
      await this.until(began + fault.at);
      if (options.stop?.aborted === true) break;
      this.track(this.happen(fault));
    }
    await this.until(began + options.seconds * 1_000);
    await this.heal();
    // Publishers go on for a moment with everything in order, so that whoever was left behind has something to miss. `settle`
    // waits for what is expected.
    await sleep(500);
    this.working.abort();
    await Promise.all(this.workers);
  }

  /** Waits until everybody is current, or long enough, and collects what there is to be checked. */
  async settle(): Promise<RunHistory> {
    const { world } = this;
    this.say('healed; waiting until everybody is current');
    const recoveries: { server: string; ok: boolean; detail: string }[] = [];
    for (const [index, { server }] of world.replicas.entries()) recoveries.push(await this.recovery(index, server.name));
    const log = await eventually(() => world.postgres.use(readLog), { timeoutMs: 20_000 });
    const model = new LogModel(log);
    const timeoutMs = this.options.settleMs ?? SETTLE_MS;
    await eventually(() => this.mustBeCurrent(model), { timeoutMs, intervalMs: 100 }).catch(() => undefined);
    // A server that gives no answer at all has not ended where it should.
    const silent = (index: number): End[] => TARGETS.map((target) => ({ server: world.servers[index]!.name, target, asOf: -1, etag: 'no answer' }));
    const ends = (await Promise.all(world.servers.map((_, index) => this.endsOf(index).catch(() => silent(index))))).flat();
    const asked = world.servers.flatMap((server) => world.revokedSecrets.map((secret) => ({ server, secret })));
    const revoked = await Promise.all(
      asked.map(async ({ server, secret }) => ({ server: server.name, status: await world.read(server, TARGETS[0], secret).then(({ status }) => status, () => 0) })),
    );
    return {
      log,
      clients: world.clients.map(({ plan, events }) => ({ name: plan.name, target: plan.target, events: [...events] })),
      publishes: this.publishes,
      reads: this.reads,
      faults: this.faults,
      ends,
      recoveries,
      exits: world.exits,
      revoked,
    };
  }

  outputs(): Record<string, string> {
    return Object.fromEntries(this.world.servers.map((server) => [server.name, server.output]));
  }

  async end(): Promise<void> {
    this.working.abort();
    await Promise.all([...this.workers, ...this.healing]).catch(() => undefined);
    await this.world.stop();
  }

  private publisher(name: string): Publisher {
    const { world, options } = this;
    return new Publisher({
      name,
      random: new Random(options.seed).fork(name),
      door: {
        request: (...request) => world.request(...request),
        servers: world.replicas.length,
        nameOf: (index) => world.replicas[index]!.server.life,
      },
      nextNumber: () => (this.number += 1),
      newestKnown: () => this.publishes.reduce((newest, { revision }) => Math.max(newest, revision ?? 0), 0),
      record: (publish) => void this.publishes.push(publish),
    });
  }

  /** Reads from one process, one answer after another, so that their order is certain. */
  private async keepReading(index: number, stopped: AbortSignal): Promise<void> {
    const random = new Random(this.options.seed).fork(`reader-${index}`);
    const server = this.world.servers[index]!;
    while (!stopped.aborted) {
      const { life } = server;
      const target = random.pick(TARGETS);
      const answer = await this.world.read(server, target).catch(() => undefined);
      // Of an answer around a restart nobody can say which process gave it.
      if (answer?.status === 200 && life === server.life) this.reads.push({ ...this.endOf(life, target, answer), at: performance.now(), revision: answer.json.revision as number });
      await sleep(READ_PAUSE_MS);
    }
  }

  private async happen(fault: PlannedFault): Promise<void> {
    const from = performance.now();
    let begun: Begun;
    try {
      begun = await beginFault(this.world, fault);
    } catch (error) {
      // A fault that needs what another one has taken away does not happen.
      this.say(`  ${fault.kind} did not come about: ${(error as Error).message}`);
      return;
    }
    this.say(`${fault.kind}: ${begun.what}${fault.forMs > 0 ? ` for ${(fault.forMs / 1_000).toFixed(1)} s` : ''}`);
    if (begun.heal !== undefined) {
      await this.until(from + fault.forMs);
      await begun.heal();
      this.say(`  over: ${fault.kind} of ${begun.what}`);
    }
    this.faults.push({ kind: fault.kind, what: begun.what, from, to: performance.now() });
  }

  private track(work: Promise<void>): void {
    const tracked: Promise<void> = work
      .catch((error: unknown) => this.say(`  could not be healed: ${String(error)}`))
      .finally(() => this.healing.delete(tracked));
    this.healing.add(tracked);
  }

  private async heal(): Promise<void> {
    const late = sleep(HEAL_TIMEOUT_MS, 'late', { ref: false });
    if ((await Promise.race([Promise.all(this.healing), late])) === 'late') throw new Error('What was broken could not be healed.');
  }

  private async recovery(replica: number, server: string): Promise<{ server: string; ok: boolean; detail: string }> {
    try {
      const publisher = this.publisher(`recovery-${replica + 1}`);
      const publish = await eventually(
        async () => {
          const made = await publisher.publishEverywhere(replica);
          if (made.outcome !== 'acknowledged') throw new Error(made.detail ?? made.outcome);
          return made;
        },
        { timeoutMs: 30_000, intervalMs: 200 },
      );
      return { server, ok: true, detail: `revision ${publish.revision}` };
    } catch (error) {
      return { server, ok: false, detail: (error as Error).message };
    }
  }

  private async mustBeCurrent(model: LogModel): Promise<void> {
    for (const { plan, life, events } of this.world.clients) {
      const { etag } = model.snapshot(plan.target, model.head);
      const seen = events.filter((event) => event.client === life && event.type !== 'connected' && event.type !== 'lost');
      const held = seen.findLast((event) => event.type === 'applied' || event.type === 'restored');
      if (held === undefined || !('etag' in held) || held.etag !== etag) throw new Error(`${life} is not current`);
      const tells = seen.some(({ type }) => type === 'noted');
      if (tells && !seen.some((event) => 'revision' in event && event.revision === model.head)) throw new Error(`${life} does not know of the end`);
    }
    for (const [index, server] of this.world.servers.entries()) {
      for (const { target, asOf, etag } of await this.endsOf(index)) {
        if (asOf !== model.head || etag !== model.snapshot(target, model.head).etag) throw new Error(`${server.name} is not current`);
      }
    }
  }

  private async endsOf(index: number): Promise<End[]> {
    const server = this.world.servers[index]!;
    return Promise.all(
      TARGETS.map(async (target) => {
        const answer = await this.world.read(server, target);
        if (answer.status !== 200) throw new Error(`${server.name} answers ${answer.status}`);
        return this.endOf(server.name, target, answer);
      }),
    );
  }

  private endOf(server: string, target: string, { headers, json }: Awaited<ReturnType<World['read']>>): End {
    return { server, target, asOf: Number(headers.get('trimtab-revision')), etag: (json as { etag: string }).etag };
  }

  private async until(moment: number): Promise<void> {
    const { stop } = this.options;
    if (stop?.aborted === true) return;
    await sleep(Math.max(0, moment - performance.now()), undefined, stop === undefined ? {} : { signal: stop }).catch(() => undefined);
  }

  private say(line: string): void {
    // On the clock of the history, so that the two can be read side by side.
    this.options.say?.(`${(performance.now() / 1_000).toFixed(1).padStart(6)} s  ${line}`);
  }
}

