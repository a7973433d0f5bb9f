// How the cost of telling everybody grows with the fleet: from the call that publishes to the last of up to 20,000
// sockets that speak the client's protocol, and to the last of a sample of whole clients among them. The limit is one
// prepared frame that a raw WebSocket server writes to as many sockets of the same load processes, by turns.
import { setTimeout as sleep } from 'node:timers/promises';
import { now } from '../support/clock.mjs';
import { CommitWatch } from '../support/commit-watch.mjs';
import { connectionsAllowed, Load } from '../support/load.mjs';
import { Publisher } from '../support/publisher.mjs';
import { against, result } from '../support/results.mjs';
import { PROBED, startRole } from '../support/role.mjs';
import { sampleConfig } from '../support/sample-config.mjs';
import { alternate, median, percentile } from '../support/statistics.mjs';

const SERVICE = 'fleet';
const KIB = 1_024;
const DOCUMENTS = [{ label: '1 KiB', bytes: KIB }, { label: '20 KiB', bytes: 20 * KIB }];
/** How long a turn of the event loop may take while a broadcast is written. */
const TURN_MS = 20;
/** What is left to do after the last arrival (reports, garbage) belongs to its round and not to the next one. */
const SETTLE_MS = 60;

const WHOLE = { processes: 4, steps: [[1_000, 100], [5_000, 50], [10_000, 40], [20_000, 30]], sample: 100, sampleRounds: 10, warmUp: 5 };
const QUICK = { processes: 2, steps: [[10, 2], [20, 2]], sample: 3, sampleRounds: 1, warmUp: 1 };

export async function run({ world, quick }) {
  const plan = quick ? QUICK : WHOLE;
  const load = new Load('fleet', plan.processes);
  const sides = [await Trimtab.start(world, load), await Raw.start(load)];
  for (const side of sides) await side.warmUp(plan);
  const figures = new Figures();
  for (const [wanted, rounds] of plan.steps) {
    const size = connectionsAllowed(wanted);
    for (const side of sides) await side.grow(size);
    figures.memory(size, await alternate(1, ...sides.map((side) => () => side.memory())));
    for (const document of DOCUMENTS) {
      const [ours, raw] = sides;
      for (let round = 0; round < plan.warmUp; round += 1) raw.length = (await ours.round(document.bytes)).length;
      const pair = await alternate(rounds, () => ours.round(document.bytes), () => raw.round());
      figures.rounds(size, document, pair);
      figures.applied(size, document, await ours.applied(document.bytes, plan), pair.limits);
    }
  }
  await Promise.all([...sides, load].map((each) => each.end()));
  return figures.results();
}

/** Puts what was measured into rows. */
class Figures {
  #results = [];
  /** By document: what one message costs at each size. */
  #costs = new Map(DOCUMENTS.map(({ label }) => [label, []]));

  memory(size, { values, limits }) {
    const row = (what, part, aim) =>
      this.#results.push(result({ name: `${named(size)}: memory per connection, ${what}`, unit: 'KiB', values: values.map(part), limits: limits.map(part), aim }));
    row('resident', ({ rss }) => rss / size / KIB, 3);
    row('heap', ({ heap }) => heap / size / KIB);
  }

  rounds(size, { label }, { values, limits }) {
    const prefix = `${named(size)} × ${label}`;
    const row = (what, unit, ours, theirs, rest) =>
      this.#results.push(result({ name: `${prefix}: ${what}`, unit, values: [].concat(ours(values)), limits: theirs && [].concat(theirs(limits)), ...rest }));
    const each = (part) => (rounds) => rounds.map(part);
    const over = (share, part) => (rounds) => percentile(rounds.map(part), share);
    for (const [what, share, aim] of [['p50', 0.5, null], ['p99', 0.99, 1.3], ['max', 1, null]]) {
      row(`publish → received by the last, ${what}`, 'ms', over(share, fromStart), over(share, fromStart), { aim });
    }
    row('from the commit → received by the last, p50', 'ms', each(fromCommit), each(fromStart));
    row('from the commit → received by the last, p99', 'ms', over(0.99, fromCommit), over(0.99, fromStart));
    row('delay of the event loop, p99', 'ms', each(({ loop }) => loop.p99Ms), each(({ loop }) => loop.p99Ms));
    row('delay of the event loop, longest', 'ms', over(1, longest), over(1, longest));
    this.#results.push(against(TURN_MS, { name: `${prefix}: delay of the event loop, longest of a broadcast, against ${TURN_MS} ms`, unit: 'ms', values: values.map(longest), aim: 1 }));
    row('CPU of the server per message', 'µs', each(cpuPer(size)), each(cpuPer(size)));
    this.#costs.get(label).push({ size, values, limits });
  }

  applied(size, { label }, rounds, limits) {
    const name = (what) => `${named(size)} × ${label}: publish → applied by the last of a sample of whole clients, ${what}`;
    const raw = limits.map(fromStart);
    this.#results.push(
      result({ name: name('p50'), unit: 'ms', values: rounds.map(fromStart), limits: raw }),
      result({ name: name('max'), unit: 'ms', values: [Math.max(...rounds.map(fromStart))], limits: [Math.max(...raw)] }),
    );
  }

  results() {
    return [...this.#results, ...[...this.#costs].flatMap(([label, costs]) => growth(label, costs))];
  }
}

/** One message of the largest fleet against one of the smallest: what grows linearly costs the same. */
function growth(label, costs) {
  const [first, last] = [costs[0], costs.at(-1)];
  const row = (what, perMessage, side, aim) =>
    result({
      name: `growth from ${named(first.size)} to ${named(last.size)} × ${label}: ${what}`,
      unit: 'µs',
      values: [median(last[side].map(perMessage(last.size)))],
      limits: [median(first[side].map(perMessage(first.size)))],
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

  async grow(size) {
    await this.load.join(size - this.size, { group: this.group, server: this.address });
    this.size = size;
  }

  /** Some connections that come, are sent something and go: what the process needs for the first of all is not theirs. */
  async warmUp({ steps: [[smallest]], warmUp }) {
    await this.grow(Math.ceil(smallest / 5));
    for (let round = 0; round < warmUp; round += 1) await this.round(KIB);
    await this.load.all('leave', { group: this.group });
    this.size = 0;
    await sleep(500);
    this.before = await this.server.probe('memory');
  }

  async memory() {
    await sleep(500);
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
    const address = { port: server.port, key: await server.admin.clientKey(), service: SERVICE, environment: 'base' };
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
