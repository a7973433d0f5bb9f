// A storm: 500 keys of one document are published one by one, as fast as they are answered, to 1,000 clients. Nobody
// has to get all of them, and a server that falls behind leaves some out; everybody has to end at the last, and nobody
// gets one twice.
import { now } from '../support/clock.mjs';
import { mustHold } from '../support/checks.mjs';
import { Load } from '../support/load.mjs';
import { Publisher } from '../support/publisher.mjs';
import { against, result } from '../support/results.mjs';

const SERVICE = 'flags';
const TIMEOUT_MS = 120_000;
const RESIDENT_MB = 400;

export async function run({ world, quick }) {
  const clients = quick ? 20 : 1_000;
  const keys = quick ? 10 : 500;
  const server = await world.server();
  const publisher = new Publisher(server);
  const load = new Load('fleet', 2);
  const values = Object.fromEntries(Array.from({ length: keys }, (_, index) => [`flag${index}`, 0]));
  await server.admin.service(SERVICE);
  await server.admin.publish(SERVICE, JSON.stringify(values));
  const address = { port: server.port, key: await server.admin.clientKey(), service: SERVICE, environment: 'base', deflate: true };
  await load.spread('join', clients, { group: 'trimtab', server: address });

  await load.all('expect', { group: 'trimtab' });
  await server.probe('watchLoop');
  const start = now();
  let answered;
  for (const key of Object.keys(values)) {
    values[key] = 1;
    answered = await publisher.publish(SERVICE, JSON.stringify(values));
  }
  const published = now();
  const { revision } = JSON.parse(answered);
  const { last, changes } = await load.told('reached', { group: 'trimtab', revision }, TIMEOUT_MS);
  const loop = await server.probe('loop');
  const peakRss = await server.probe('peakRss');
  publisher.close();
  await load.end();
  await server.end();
  mustHold(changes.least >= 1 && changes.most <= keys, `between ${changes.least} and ${changes.most} messages came for ${keys} publishes.`);

  const storm = `${keys} keys one by one × ${clients.toLocaleString('en-US')} clients`;
  return [
    result({ name: `${storm}: all published`, unit: 'ms', values: [published - start] }),
    result({ name: `${storm}: last one answered → received by the last`, unit: 'ms', values: [Math.max(0, last - published)] }),
    against(keys, { name: `${storm}: messages to each client, mean`, unit: 'messages', values: [changes.total / clients] }),
    against(keys, { name: `${storm}: messages to each client, most`, unit: 'messages', values: [changes.most], aim: 1 }),
    result({ name: `${storm}: longest block of the event loop`, unit: 'ms', values: [loop.longestMs] }),
    against(RESIDENT_MB, { name: `${storm}: most the server took, against ${RESIDENT_MB} MB`, unit: 'MB', values: [peakRss / 1e6], aim: 1 }),
  ];
}
