// What an idle connection costs the server, against one of a raw WebSocket server.
import { setTimeout as sleep } from 'node:timers/promises';
import { result } from './support/results.mjs';
import { PROBED, startRole } from './support/role.mjs';
import { sampleConfig } from './support/sample-config.mjs';
import { alternate } from './support/statistics.mjs';

const PROCESSES = 2;

export async function run({ world, quick }) {
  const size = quick ? 100 : 10_000;
  const { values, limits } = await alternate(quick ? 1 : 2, () => ofTrimtab(world, size), () => ofRaw(size));
  const row = (what, part, aim) =>
    result({ name: `memory per idle connection at ${size.toLocaleString('en-US')}, ${what}`, unit: 'KiB', values: values.map(part), limits: limits.map(part), aim });
  return [row('resident', ({ rss }) => rss, 3), row('heap', ({ heap }) => heap)];
}

async function ofTrimtab(world, size) {
  const server = await world.server({ execArgv: ['--expose-gc'] });
  await server.admin.service('fleet');
  await server.admin.publish('fleet', JSON.stringify(sampleConfig(1_024, 1)));
  const key = await server.admin.clientKey();
  return perConnection(server, { port: server.port, key, service: 'fleet', environment: 'base' }, size);
}

async function ofRaw(size) {
  const server = startRole('raw-sockets', [...PROBED, '--expose-gc']);
  return perConnection(server, { port: await server.call('listen') }, size);
}

/** Growth of the server from when it has served some to when it holds all of them. */
async function perConnection(server, address, size) {
  const first = startRole('crowd');
  await first.call('join', { count: size / 50, ...address });
  await first.end();
  await sleep(500);
  const before = await server.probe('memory');
  const crowds = Array.from({ length: PROCESSES }, () => startRole('crowd'));
  await Promise.all(crowds.map(({ call }) => call('join', { count: size / PROCESSES, ...address })));
  await sleep(1_000);
  const after = await server.probe('memory');
  await Promise.all([...crowds, server].map(({ end }) => end()));
  const grown = (part) => (part(after) - part(before)) / size / 1_024;
  return { rss: grown(({ rss }) => rss), heap: grown(({ heapUsed, external }) => heapUsed + external) };
}
