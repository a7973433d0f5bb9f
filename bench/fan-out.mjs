// From the call that publishes to the last of 1,000 clients: bare sockets that receive it, and whole clients that apply
// it. The limit is one prepared frame written by a raw WebSocket server to as many sockets, timed from the writing.
import { setTimeout as sleep } from 'node:timers/promises';
import { now } from './support/clock.mjs';
import { CommitWatch } from './support/commit-watch.mjs';
import { Publisher } from './support/publisher.mjs';
import { result } from './support/results.mjs';
import { PROBED, startRole } from './support/role.mjs';
import { sampleConfig } from './support/sample-config.mjs';
import { alternate, percentile } from './support/statistics.mjs';

const DOCUMENT_BYTES = 1_024;
const PROCESSES = 2;
const SERVICE = 'fleet';

export async function run({ world, quick }) {
  const size = quick ? 50 : 1_000;
  const repetitions = quick ? 2 : 40;
  const trimtab = await Trimtab.start(world);
  const raw = await Raw.start();
  await raw.gather(size);
  const results = [];
  for (const { role, what, aim } of [
    { role: 'crowd', what: `received by ${size.toLocaleString('en-US')} sockets`, aim: 2 },
    { role: 'clients', what: `applied by ${size.toLocaleString('en-US')} clients`, aim: 4 },
  ]) {
    await trimtab.gather(role, size);
    // The first rounds are those of code that is not compiled yet. They also tell how long the message is.
    for (let round = 0; round < 5; round += 1) {
      const { length } = await trimtab.round();
      await raw.round(length);
    }
    const { values, limits } = await alternate(repetitions, () => trimtab.round(), () => raw.round());
    results.push(...rows(what, aim, values, limits));
    await trimtab.dismiss();
  }
  await Promise.all([trimtab.end(), raw.end()]);
  return results;
}

function rows(what, aim, rounds, rawRounds) {
  const share = (of, part) => (round) => percentile(round.arrivals.map((arrival) => arrival - round[of]), part);
  const row = (name, ours, theirs, rest) => result({ name, unit: 'ms', values: rounds.map(ours), limits: theirs && rawRounds.map(theirs), ...rest });
  return [
    row(`publish → ${what}, p50`, share('start', 0.5), share('start', 0.5)),
    row(`publish → ${what}, p99`, share('start', 0.99), share('start', 0.99), { aim }),
    row(`publish → ${what}, up to the commit`, ({ start, committed }) => committed - start),
    row(`publish → ${what}, from the commit, p99`, share('committed', 0.99), share('start', 0.99)),
    row(`publish → ${what}, longest block of the event loop`, ({ block }) => block, ({ block }) => block),
  ];
}

/** Whoever waits for a broadcast, in processes of their own. */
class Audience {
  #roles;

  constructor(role) {
    this.#roles = Array.from({ length: PROCESSES }, () => startRole(role));
  }

  join(size, server) {
    return Promise.all(this.#roles.map(({ call }) => call('join', { count: size / PROCESSES, ...server })));
  }

  expect() {
    return Promise.all(this.#roles.map(({ call }) => call('expect')));
  }

  async arrivals() {
    const all = await Promise.all(this.#roles.map(({ call }) => call('arrivals')));
    // What is left to do after the last arrival (reports, garbage) belongs to this round and not to the next one.
    await sleep(60);
    return { arrivals: all.flatMap(({ arrivals }) => arrivals), length: all[0].length };
  }

  end() {
    return Promise.all(this.#roles.map(({ end }) => end()));
  }
}

class Trimtab {
  #round = 0;

  static async start(world) {
    const trimtab = new Trimtab();
    trimtab.server = await world.server();
    trimtab.publisher = new Publisher(trimtab.server);
    trimtab.commit = await CommitWatch.start(trimtab.server.databaseUrl);
    await trimtab.server.admin.service(SERVICE);
    trimtab.key = await trimtab.server.admin.clientKey();
    await trimtab.publish();
    return trimtab;
  }

  async gather(role, size) {
    this.audience = new Audience(role);
    await this.audience.join(size, { port: this.server.port, key: this.key, service: SERVICE, environment: 'base' });
  }

  async round() {
    await this.audience.expect();
    await this.server.probe('watchLoop');
    this.commit.reset();
    const arrived = this.audience.arrivals();
    const start = now();
    await this.publish();
    return { start, ...(await arrived), committed: this.commit.at, block: await this.server.probe('longestBlockMs') };
  }

  publish() {
    return this.publisher.publish(SERVICE, JSON.stringify(sampleConfig(DOCUMENT_BYTES, ++this.#round)));
  }

  dismiss() {
    return this.audience.end();
  }

  async end() {
    this.publisher.close();
    await this.commit.end();
    await this.server.end();
  }
}

class Raw {
  static async start() {
    const raw = new Raw();
    raw.server = startRole('raw-sockets', PROBED);
    raw.port = await raw.server.call('listen');
    return raw;
  }

  async gather(size) {
    this.audience = new Audience('crowd');
    await this.audience.join(size, { port: this.port });
  }

  async round(length = this.text.length) {
    this.text = 'x'.repeat(length ?? DOCUMENT_BYTES);
    await this.audience.expect();
    await this.server.probe('watchLoop');
    const arrived = this.audience.arrivals();
    const start = await this.server.call('send', { text: this.text });
    return { start, ...(await arrived), block: await this.server.probe('longestBlockMs') };
  }

  async end() {
    await this.audience.end();
    await this.server.end();
  }
}
