// A storm: a server with 10,000 clients is killed and started again on the same port. Once the clients come back as the
// client library does, each after a random delay; once all in the same moment, as whatever knows no delay would. The
// limit is the same storm on a raw WebSocket server that is down for as long and greets whoever connects.
import { setTimeout as sleep } from 'node:timers/promises';
import { now } from '../support/clock.mjs';
import { mustHold } from '../support/checks.mjs';
import { connectionsAllowed, Load } from '../support/load.mjs';
import { against, result } from '../support/results.mjs';
import { PROBED, startRole } from '../support/role.mjs';
import { sampleConfig } from '../support/sample-config.mjs';

const SERVICE = 'fleet';
const TIMEOUT_MS = 120_000;
const RESIDENT_MB = 512;
const TURN_MS = 20;
const WATCHED = { BENCH_WATCH_LISTENING: 'true' };
/** What their delays decide takes as long with either server; without delays the cost of a handshake decides. */
const MANNERS = {
  'back-off': { named: 'coming back by back-off', aim: 1.3 },
  held: { named: 'coming back in one moment', aim: 3 },
};

export async function run({ world, quick }) {
  const clients = connectionsAllowed(quick ? 20 : 10_000);
  const load = new Load('fleet', quick ? 2 : 4);
  // In passing there is no time for the delays of the real client.
  const pace = quick ? { backoffBaseMs: 100 } : {};
  const trimtab = await Trimtab.start(world);
  const raw = await Raw.start();
  await load.spread('join', clients, { group: 'trimtab', server: { ...trimtab.address, ...pace } });
  await load.spread('join', clients, { group: 'raw', server: { ...raw.address, ...pace } });
  const results = [];
  for (const manner of Object.keys(MANNERS)) {
    const ours = await storm(load, 'trimtab', trimtab, manner);
    const limit = await storm(load, 'raw', raw, manner, ours.downMs);
    const { current, delta, snapshot } = ours.answers;
    mustHold(snapshot + delta === 0 && current >= clients, `${snapshot} whole snapshots and ${delta} deltas went to clients that were current.`);
    results.push(...rows(clients, manner, ours, limit));
  }
  await load.end();
  await Promise.all([trimtab.server.end(), raw.server.end()]);
  return results;
}

function rows(clients, manner, ours, limit) {
  const { named, aim } = MANNERS[manner];
  const prefix = `${clients.toLocaleString('en-US')} ${named}`;
  const row = (what, unit, part, most) => result({ name: `${prefix}: ${what}`, unit, values: [part(ours)], limits: [part(limit)], aim: most });
  return [
    result({ name: `${prefix}: server down`, unit: 'ms', values: [ours.downMs], limits: [limit.downMs] }),
    row('server listens again → all current', 'ms', ({ listening, last }) => last - listening, aim),
    row('CPU of the server per client', 'µs', ({ cpuUs }) => cpuUs / clients),
    row('longest block of the event loop', 'ms', ({ loop }) => loop.longestMs),
    against(TURN_MS, { name: `${prefix}: longest block of the event loop, against ${TURN_MS} ms`, unit: 'ms', values: [ours.loop.longestMs], aim: 1 }),
    row('attempts refused while it was down, per client', 'attempts', ({ refused }) => refused / clients),
    row('attempts that failed otherwise, per client', 'attempts', ({ failed }) => failed / clients),
    against(RESIDENT_MB, { name: `${prefix}: most the server took, against ${RESIDENT_MB} MB`, unit: 'MB', values: [ours.peakRss / 1e6], aim: 1 }),
  ];
}

/** Kills the side's server, starts it again (after `downMs`, when it would be faster), and waits until all are current. */
async function storm(load, group, side, manner, downMs = 0) {
  const lost = load.all('lost', { group, manner });
  const killed = now();
  await side.server.kill();
  await lost;
  await sleep(Math.max(0, downMs - side.startsInMs - (now() - killed)));
  await side.restart();
  const { at: listening, cpu: cpuBefore } = await side.server.probe('listened');
  if (manner === 'held') await load.all('release', { group });
  const { last, attempts, failures, answers } = await load.told('back', { group }, TIMEOUT_MS);
  const loop = await side.server.probe('loop');
  const cpu = await side.server.probe('cpu');
  const { ECONNREFUSED: refused = 0, ...others } = failures;
  const failed = Object.values(others).reduce((total, each) => total + each, 0);
  if (failed > 0) process.stderr.write(`${group}, ${MANNERS[manner].named}: ${attempts} attempts, failed by ${JSON.stringify(others)}\n`);
  return { listening, last, loop, answers, refused, failed, downMs: listening - killed, cpuUs: cpu.user + cpu.system - cpuBefore.user - cpuBefore.system, peakRss: await side.server.probe('peakRss') };
}

class Trimtab {
  /** Nothing to wait for: it says how long a server is down. */
  startsInMs = 0;

  static async start(world) {
    const trimtab = new Trimtab();
    trimtab.world = world;
    trimtab.server = await world.server();
    await trimtab.server.admin.service(SERVICE);
    await trimtab.server.admin.publish(SERVICE, JSON.stringify(sampleConfig(1_024, 1)));
    trimtab.address = { port: trimtab.server.port, key: await trimtab.server.admin.clientKey(), service: SERVICE, environment: 'base', deflate: true };
    return trimtab;
  }

  async restart() {
    const { databaseUrl, port } = this.server;
    this.server = await this.world.server({ databaseUrl, env: { PORT: String(port), TRIMTAB_COPY_FOLDER: 'none', ...WATCHED } });
  }
}

class Raw {
  startsInMs = 150;

  static async start() {
    const raw = new Raw();
    await raw.restart();
    return raw;
  }

  async restart() {
    this.server = startRole('raw-sockets', PROBED, WATCHED);
    this.address = { port: await this.server.call('listen', { port: this.address?.port, greeting: 'current' }), greets: true };
  }
}
