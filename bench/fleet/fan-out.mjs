// How the cost of telling everybody grows with the fleet: from the call that publishes to the last of up to 20,000
// sockets that speak the client's protocol, and to the last of a sample of whole clients among them. The limit is one
// prepared frame that a raw WebSocket server writes to as many sockets of the same load processes, by turns.
import { setTimeout as sleep } from 'node:timers/promises';
import { now } from '../support/clock.mjs';
import { CommitWatch } from '../support/commit-watch.mjs';
import { connectionsAllowed, Load } from '../support/load.mjs';
import { Publisher } from '../support/publisher.mjs';
import { result } from '../support/results.mjs';
import { PROBED, startRole } from '../support/role.mjs';
import { sampleConfig } from '../support/sample-config.mjs';
import { alternate, percentile } from '../support/statistics.mjs';

const SERVICE = 'fleet';
const KIB = 1_024;
const DOCUMENTS = [{ label: '1 KiB', bytes: KIB }, { label: '20 KiB', bytes: 20 * KIB }];
/** How long a turn of the event loop may take while a broadcast is written. */
const TURN_MS = 20;
/** What is left to do after the last arrival (reports, garbage) belongs to its round and not to the next one. */
const SETTLE_MS = 60;

/** `quietMs` is for what a server still does for those who have come or gone. */
const WHOLE = { processes: 4, steps: [[1_000, 100], [5_000, 50], [10_000, 40], [20_000, 30]], sample: 100, sampleRounds: 10, warmUp: 5, quietMs: 1_000 };
const QUICK = { processes: 2, steps: [[10, 2], [20, 2]], sample: 3, sampleRounds: 1, warmUp: 1, quietMs: 50 };

export async function run({ world, quick }) {
  const plan = quick ? QUICK : WHOLE;
  const load = new Load('fleet', plan.processes);
  const sides = [await Trimtab.start(world, load), await Raw.start(load)];
  for (const side of sides) await side.warmUp(plan);
  const steps = plan.steps.map(([wanted, rounds]) => ({ size: connectionsAllowed(wanted), rounds }));
  const figures = new Figures();
  // Idle connections on the way up, broadcasts on the way down: what those leave in memory is not a connection's.
  for (const { size } of steps) {
    for (const side of sides) await side.resize(size, plan.quietMs);
    figures.memory(size, await alternate(1, ...sides.map((side) => () => side.memory())));
  }
  for (const { size, rounds } of steps.reverse()) {
    const [ours, raw] = sides;
    for (const side of sides) await side.resize(size, plan.quietMs);
    for (const document of DOCUMENTS) {
      for (let round = 0; round < plan.warmUp; round += 1) raw.length = (await ours.round(document.bytes)).length;
      figures.rounds(size, document, await alternate(rounds, () => ours.round(document.bytes), () => raw.round()));
      figures.applied(size, document, await ours.applied(document.bytes, plan));
    }
  }
  // A server that stops gives its clients time to move; these have nowhere to go.
  await load.end();
  await Promise.all(sides.map((side) => side.end()));
  return figures.results();
}

/** Puts what was measured into rows, the smallest fleet first. */
class Figures {
  #sizes = new Map();

  memory(size, { values, limits }) {
    this.#sizes.set(size, { memory: { values, limits }, documents: new Map() });
  }

  rounds(size, { label }, { values, limits }) {
    this.#sizes.get(size).documents.set(label, { values, limits });
  }

  applied(size, { label }, rounds) {
    this.#sizes.get(size).documents.get(label).applied = rounds;
  }

  results() {
    const sizes = [...this.#sizes];
    const costs = (label) => sizes.map(([size, { documents }]) => ({ size, ...documents.get(label) }));
    return [
      ...sizes.flatMap(([size, { memory, documents }]) => [...memoryRows(size, memory), ...[...documents].flatMap(([label, rounds]) => broadcastRows(size, label, rounds))]),
      ...DOCUMENTS.flatMap(({ label }) => growthRows(label, costs(label))),
    ];
  }
}

function memoryRows(size, { values, limits }) {
  const row = (what, part, aim) =>
    result({ name: `${named(size)}: memory per connection, ${what}`, unit: 'KiB', values: values.map(part), limits: limits.map(part), aim });
  return [row('resident', ({ rss }) => rss / size / KIB, 3), row('heap', ({ heap }) => heap / size / KIB)];
}

function broadcastRows(size, label, { values, limits, applied }) {
  const row = (what, unit, ours, theirs, aim) => result({ name: `${named(size)} × ${label}: ${what}`, unit, values: ours, limits: theirs, aim });
  const all = (rounds, part) => rounds.map(part);
  const over = (share, rounds, part) => [percentile(rounds.map(part), share)];
  const both = (what, unit, reduce, part) => row(what, unit, reduce(values, part), reduce(limits, part));
  return [
    both('publish → received by the last, p50', 'ms', all, fromStart),
    row('publish → received by the last, p99', 'ms', over(0.99, values, fromStart), over(0.99, limits, fromStart), 1.3),
    row('publish → received by the last, max', 'ms', over(1, values, fromStart), over(1, limits, fromStart)),
    row('from the commit → received by the last, p50', 'ms', all(values, fromCommit), all(limits, fromStart)),
    row('from the commit → received by the last, p99', 'ms', over(0.99, values, fromCommit), over(0.99, limits, fromStart)),
    row('publish → applied by the last of a sample of clients, p50', 'ms', all(applied, fromStart), all(limits, fromStart)),
    row('publish → applied by the last of a sample of clients, max', 'ms', over(1, applied, fromStart), over(1, limits, fromStart)),
    both('delay of the event loop, p99', 'ms', all, ({ loop }) => loop.p99Ms),
    row('delay of the event loop, longest', 'ms', over(1, values, longest), over(1, limits, longest)),
    row(`delay of the event loop, longest of a broadcast, against ${TURN_MS} ms`, 'ms', all(values, longest), [TURN_MS], 1),
    both('CPU of the server per message', 'µs', all, cpuPer(size)),
  ];
}

/** One message of the largest fleet against one of the smallest: what grows linearly costs the same. */
function growthRows(label, costs) {
  const [first, last] = [costs[0], costs.at(-1)];
  const row = (what, perMessage, side, aim) =>
    result({
      name: `growth from ${named(first.size)} to ${named(last.size)} × ${label}: ${what}`,
      unit: 'µs',
      values: last[side].map(perMessage(last.size)),
      limits: first[side].map(perMessage(first.size)),
      aim,
    });
  const time = (part) => (size) => (round) => (part(round) / size) * 1_000;
  return [
    row('time per message, from the commit to the last', time(fromCommit), 'values', 1.3),
    row('time per message, raw', time(fromStart), 'limits'),
    row('CPU of the server per message', cpuPer, 'values', 1.3),
    row('CPU of the server per message, raw', cpuPer, 'limits'),
  ];
}

const fromStart = ({ start, last }) => last - start;
const fromCommit = ({ committed, last }) => last - committed;
const longest = ({ loop }) => loop.longestMs;
const cpuPer = (size) => ({ cpuUs }) => cpuUs / size;

function named(size) {
  return size.toLocaleString('en-US');
}

/** One side of the comparison: a server, and its group of the sockets of the load processes. */
class Side {
  size = 0;

  constructor(group, load, server, address) {
    Object.assign(this, { group, load, server, address });
  }

  async resize(size, quietMs) {
    const { group, address: server } = this;
    if (size > this.size) await this.load.spread('join', size - this.size, { group, server });
    else await this.load.spread('leave', this.size - size, { group });
    this.size = size;
    await sleep(quietMs);
  }

  /** Some connections that come, are sent something and go: what the process needs for the first of all is not theirs. */
  async warmUp({ steps: [[smallest]], warmUp, quietMs }) {
    await this.resize(Math.ceil(smallest / 5), quietMs);
    for (let round = 0; round < warmUp; round += 1) await this.round(KIB);
    await this.resize(0, quietMs);
    this.before = await this.server.probe('memory');
  }

  async memory() {
    const after = await this.server.probe('memory');
    const grown = (part) => part(after) - part(this.before);
    return { rss: grown(({ rss }) => rss), heap: grown(({ heapUsed, external }) => heapUsed + external) };
  }

  /** `send` resolves with when it began, and with what else there is to say of it. */
  async measured(send) {
    await this.load.all('expect', { group: this.group });
    const before = await this.server.probe('cpu');
    await this.server.probe('watchLoop');
    const arrived = this.load.told('arrived', { group: this.group });
    const sent = await send();
    const { last, length } = await arrived;
    const loop = await this.server.probe('loop');
    await sleep(SETTLE_MS);
    const after = await this.server.probe('cpu');
    return { ...sent, last, length, loop, cpuUs: after.user + after.system - before.user - before.system };
  }
}

class Trimtab extends Side {
  #rounds = 0;

  static async start(world, load) {
    const server = await world.server({ execArgv: ['--expose-gc'] });
    await server.admin.service(SERVICE);
    await server.admin.publish(SERVICE, JSON.stringify(sampleConfig(KIB, 0)));
    const address = { port: server.port, key: await server.admin.clientKey(), service: SERVICE, environment: 'base', deflate: true };
    const trimtab = new Trimtab('trimtab', load, server, address);
    trimtab.publisher = new Publisher(server);
    trimtab.commit = await CommitWatch.start(server.databaseUrl);
    return trimtab;
  }

  async round(bytes) {
    this.commit.reset();
    const body = JSON.stringify(sampleConfig(bytes, ++this.#rounds));
    const round = await this.measured(async () => {
      const start = now();
      await this.publisher.publish(SERVICE, body);
      return { start };
    });
    return { ...round, committed: this.commit.at };
  }

  /** Rounds in which whole clients are there as well; when the last of these has applied it. */
  async applied(bytes, { sample, sampleRounds }) {
    const clients = startRole('clients');
    await clients.call('join', { count: sample, ...this.address });
    const rounds = [];
    for (let round = 0; round <= sampleRounds; round += 1) {
      await clients.call('expect');
      const applied = clients.call('arrivals');
      const { start } = await this.round(bytes);
      const { arrivals } = await applied;
      // In the first one their code is not compiled yet.
      if (round > 0) rounds.push({ start, last: Math.max(...arrivals) });
    }
    await clients.end();
    return rounds;
  }

  async end() {
    this.publisher.close();
    await this.commit.end();
    await this.server.end();
  }
}

class Raw extends Side {
  length = KIB;

  static async start(load) {
    const server = startRole('raw-sockets', [...PROBED, '--expose-gc']);
    return new Raw('raw', load, server, { port: await server.call('listen') });
  }

  round() {
    return this.measured(async () => ({ start: await this.server.call('send', { text: 'x'.repeat(this.length) }) }));
  }

  end() {
    return this.server.end();
  }
}
