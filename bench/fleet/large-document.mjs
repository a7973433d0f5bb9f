// A storm: one document of 16 MiB is published to 800 clients, and then one value of it changes. The limit is a raw
// WebSocket server that writes one prepared frame of the same length to as many sockets of the same processes.
import { now } from '../support/clock.mjs';
import { mustHold } from '../support/checks.mjs';
import { Load } from '../support/load.mjs';
import { Publisher } from '../support/publisher.mjs';
import { against, result } from '../support/results.mjs';
import { PROBED, startRole } from '../support/role.mjs';
import { sampleConfig } from '../support/sample-config.mjs';

const SERVICE = 'catalog';
const MIB = 2 ** 20;
const PART_BYTES = 16 * 1_024;
/** Sixteen gigabytes go over the loopback on each side. */
const TIMEOUT_MS = 180_000;
/** What the process may take: the document some dozens of times (source, value, frame, those before it), not 800 times. */
const RESIDENT_MB = 1_024;
const LIMITS = { TRIMTAB_DOCUMENT_MAX_BYTES: String(17 * MIB), TRIMTAB_HTTP_MAX_BODY_BYTES: String(18 * MIB) };

export async function run({ world, quick }) {
  const clients = quick ? 20 : 800;
  const bytes = quick ? MIB / 4 : 16 * MIB;
  const load = new Load('fleet', quick ? 2 : 4);
  const ours = await ofTrimtab(world, load, clients, bytes);
  const raw = await ofRaw(load, clients, ours.whole.length);
  await load.end();

  const storm = `${label(bytes)} × ${clients} clients`;
  const row = (what, unit, part, aim) => result({ name: `${storm}: ${what}`, unit, values: [part(ours.whole)], limits: [part(raw)], aim });
  return [
    row('publish → received by the last', 'ms', ({ start, last }) => last - start),
    result({ name: `${storm}: publish → answered`, unit: 'ms', values: [ours.whole.answered - ours.whole.start] }),
    row('longest block of the event loop', 'ms', ({ loop }) => loop.longestMs),
    against(RESIDENT_MB, { name: `${storm}: most the server took, against ${RESIDENT_MB} MB`, unit: 'MB', values: [ours.peakRss / 1e6], aim: 1 }),
    result({ name: `${storm}: most the server took`, unit: 'MB', values: [ours.peakRss / 1e6], limits: [raw.peakRss / 1e6] }),
    result({ name: `${storm}: one value changes, publish → received by the last`, unit: 'ms', values: [ours.small.last - ours.small.start] }),
    result({ name: `${storm}: one value changes, sent to each`, unit: 'KiB', values: [ours.small.length / 1_024], limits: [ours.whole.length / 1_024] }),
    result({ name: `${storm}: one value changes, longest block of the event loop`, unit: 'ms', values: [ours.small.loop.longestMs] }),
  ];
}

async function ofTrimtab(world, load, clients, bytes) {
  const server = await world.server({ env: LIMITS });
  const publisher = new Publisher(server);
  await server.admin.service(SERVICE);
  await server.admin.publish(SERVICE, '{}');
  const address = { port: server.port, key: await server.admin.clientKey(), service: SERVICE, environment: 'base' };
  await load.spread('join', clients, { group: 'trimtab', server: address });

  const value = largeConfig(bytes);
  const whole = await storm(server, load, 'trimtab', () => publisher.publish(SERVICE, JSON.stringify(value)));
  mustHold(whole.length > bytes * 0.99, `a client was sent ${whole.length} bytes instead of the document.`);
  mustHold(whole.changes.least === 1 && whole.changes.most === 1, `between ${whole.changes.least} and ${whole.changes.most} messages came for one publish.`);
  value.part0.seed += 1;
  const small = await storm(server, load, 'trimtab', () => publisher.publish(SERVICE, JSON.stringify(value)));
  const peakRss = await server.probe('peakRss');
  publisher.close();
  await load.spread('leave', clients, { group: 'trimtab' });
  await server.end();
  return { whole, small, peakRss };
}

async function ofRaw(load, clients, length) {
  const server = startRole('raw-sockets', PROBED);
  await load.spread('join', clients, { group: 'raw', server: { port: await server.call('listen') } });
  const round = await storm(server, load, 'raw', () => server.call('send', { text: 'x'.repeat(length) }, TIMEOUT_MS));
  const peakRss = await server.probe('peakRss');
  await load.spread('leave', clients, { group: 'raw' });
  await server.end();
  return { ...round, peakRss };
}

/** `send` may resolve with when it began; else it began with the call. */
async function storm(server, load, group, send) {
  await load.all('expect', { group });
  await server.probe('watchLoop');
  const arrived = load.told('arrived', { group }, TIMEOUT_MS);
  const called = now();
  const began = await send();
  const answered = now();
  const told = await arrived;
  return { ...told, start: typeof began === 'number' ? began : called, answered, loop: await server.probe('loop') };
}

function largeConfig(bytes) {
  const parts = Array.from({ length: Math.ceil(bytes / (PART_BYTES + 12)) }, (_, index) => [`part${index}`, sampleConfig(PART_BYTES, index + 1)]);
  return Object.fromEntries(parts);
}

function label(bytes) {
  return bytes >= MIB ? `${bytes / MIB} MiB` : `${bytes / 1_024} KiB`;
}
