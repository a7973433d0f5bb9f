// A storm: 50,000 long polls parked in four servers of one database, and a publish that answers all of them. The limit is
// four bare node:http servers that hold as many and answer with as many bytes.
import { setTimeout as sleep } from 'node:timers/promises';
import { now } from '../support/clock.mjs';
import { mustHold } from '../support/checks.mjs';
import { connectionsAllowed } from '../support/load.mjs';
import { Publisher } from '../support/publisher.mjs';
import { against, result } from '../support/results.mjs';
import { PROBED, startRole } from '../support/role.mjs';
import { sampleConfig } from '../support/sample-config.mjs';

const SERVICE = 'fleet';
const SERVERS = 4;
const DOCUMENT_BYTES = 1_024;
const WAIT_SECONDS = 600;
const TIMEOUT_MS = 180_000;
const RESIDENT_MB = 768;
const TURN_MS = 20;
/** Sent to a server at a time: no more than it has room for in its queue of connections to accept. */
const CHUNK = 1_000;
const [LOOK_MS, SETTLE_MS] = [20, 500];

export async function run({ world, quick }) {
  const each = connectionsAllowed(quick ? 10 : 12_500);
  const ours = await ofTrimtab(world, each);
  const limit = await ofBare(each);
  const prefix = `${(each * SERVERS).toLocaleString('en-US')} long polls at ${SERVERS} servers`;
  const row = (what, unit, part, aim) => result({ name: `${prefix}: ${what}`, unit, values: [part(ours)], limits: [part(limit)], aim });
  return [
    row('publish → all answered', 'ms', ({ start, last }) => last - start),
    row('time to park all', 'ms', ({ parkedMs }) => parkedMs),
    row('memory per parked request, resident', 'KiB', ({ resident }) => resident / each / SERVERS / 1_024),
    row('longest block of an event loop', 'ms', ({ longestMs }) => longestMs),
    against(TURN_MS, { name: `${prefix}: longest block of an event loop, against ${TURN_MS} ms`, unit: 'ms', values: [ours.longestMs], aim: 1 }),
    against(RESIDENT_MB, { name: `${prefix}: most a server took, against ${RESIDENT_MB} MB`, unit: 'MB', values: [ours.peakRss / 1e6], aim: 1 }),
  ];
}

async function ofTrimtab(world, each) {
  const options = { execArgv: ['--expose-gc'], env: { TRIMTAB_FEED_MAX_WAIT_MS: String(WAIT_SECONDS * 1_000) } };
  const first = await world.server(options);
  await first.admin.service(SERVICE);
  await first.admin.publish(SERVICE, JSON.stringify(sampleConfig(DOCUMENT_BYTES, 1)));
  const key = await first.admin.clientKey();
  const { databaseUrl } = first;
  const servers = [first, ...(await Promise.all(Array.from({ length: SERVERS - 1 }, () => world.server({ ...options, databaseUrl }))))];
  const path = `/v1/config/base/${SERVICE}`;
  const headers = { authorization: `Bearer ${key}` };
  const answers = await Promise.all(servers.map(({ url }) => fetch(`${url}${path}`, { headers })));
  const etag = answers[0].headers.get('etag');
  const publisher = new Publisher(first);
  const measured = await storm(servers, each, {
    address: ({ port }) => ({ port, path: `${path}?wait=${WAIT_SECONDS}s&revision=${answers[0].headers.get('trimtab-revision')}`, headers: { ...headers, 'if-none-match': etag } }),
    answer: async () => {
      const start = now();
      await publisher.publish(SERVICE, JSON.stringify(sampleConfig(DOCUMENT_BYTES, 2)));
      return start;
    },
  });
  publisher.close();
  return measured;
}

async function ofBare(each) {
  const servers = await Promise.all(
    Array.from({ length: SERVERS }, async () => {
      const server = startRole('bare-polls', [...PROBED, '--expose-gc']);
      return { ...server, port: await server.call('listen') };
    }),
  );
  return storm(servers, each, {
    address: ({ port }) => ({ port, path: '/' }),
    answer: async () => Math.min(...(await Promise.all(servers.map(({ call }) => call('release', { bytes: DOCUMENT_BYTES }))))),
  });
}

/** One load process for each server, so that neither needs more descriptors than it may have. */
async function storm(servers, each, { address, answer }) {
  const group = 'polls';
  const probe = (name) => Promise.all(servers.map((server) => server.probe(name)));
  const loads = servers.map(() => startRole('pollers'));
  const before = await probe('memory');
  await probe('countRequests');
  const began = now();
  for (let sent = 0; sent < each; sent += CHUNK) {
    const count = Math.min(CHUNK, each - sent);
    await Promise.all(loads.map(({ call }, index) => call('join', { group, count, server: address(servers[index]) })));
    await arrived(servers, sent + count);
  }
  const parkedMs = now() - began;
  await sleep(SETTLE_MS);
  const after = await probe('memory');
  const early = await Promise.all(loads.map(({ call }) => call('answered', { group })));
  mustHold(early.every((statuses) => Object.keys(statuses).length === 0), `requests were answered before anything had changed: ${JSON.stringify(early)}.`);
  await probe('watchLoop');
  const told = Promise.all(loads.map(({ call }) => call('all', { group }, TIMEOUT_MS)));
  const start = await answer();
  const answers = await told;
  const loops = await probe('loop');
  const peaks = await probe('peakRss');
  await Promise.all(loads.map(({ end }) => end()));
  await Promise.all(servers.map(({ end }) => end()));
  const wrong = answers.flatMap(({ statuses }) => Object.keys(statuses)).filter((status) => status !== '200');
  mustHold(wrong.length === 0, `requests were answered with ${wrong.join(', ')}.`);
  return {
    start,
    parkedMs,
    last: Math.max(...answers.map(({ last }) => last)),
    longestMs: Math.max(...loops.map(({ longestMs }) => longestMs)),
    resident: after.reduce((sum, { rss }, index) => sum + rss - before[index].rss, 0),
    peakRss: Math.max(...peaks),
  };
}

/** Until every server has read as many requests. */
async function arrived(servers, count) {
  const deadline = now() + TIMEOUT_MS;
  while ((await Promise.all(servers.map(({ probe }) => probe('requests')))).some((requests) => requests < count)) {
    mustHold(now() < deadline, `${count} requests were sent to each server and did not all arrive.`);
    await sleep(LOOK_MS);
  }
}
