// Reading a warm snapshot over HTTP, with its content and as "not modified".
import { result } from './support/results.mjs';
import { startRole } from './support/role.mjs';
import { sampleConfig } from './support/sample-config.mjs';
import { alternate } from './support/statistics.mjs';

const CONNECTIONS = 64;
const BODY_BYTES = 4_096;
/** What a snapshot holds besides the value of its one document. */
const ENVELOPE_BYTES = 330;
const PATH = '/v1/config/base/reader';

export async function run({ world, quick }) {
  const repetitions = quick ? 1 : 7;
  const seconds = quick ? 0.3 : 1.5;
  const server = await world.server();
  const bare = await startRole('bare-http');
  const load = await startRole('http-load');
  await server.admin.service('reader');
  await server.admin.publish('reader', JSON.stringify(sampleConfig(BODY_BYTES - ENVELOPE_BYTES, 1)));
  const authorization = `Bearer ${await server.admin.clientKey()}`;
  // As the load asks: `fetch` would have the answer compressed.
  const ask = (headers) => fetch(server.url + PATH, { headers: { authorization, 'accept-encoding': 'identity', ...headers } });

  const results = [];
  for (const status of [200, 304]) {
    const { etag } = Object.fromEntries((await ask({})).headers);
    const headers = { authorization, ...(status === 304 && { 'if-none-match': etag }) };
    const answer = await ask(headers);
    const port = await bare.call('listen', { answerOf: { headers: ownHeaders(answer), body: await answer.text(), etag: status === 304 ? etag : '' } });
    const rate = (ofPort) => () => load.call('run', { port: ofPort, path: PATH, headers, status, connections: CONNECTIONS, seconds });
    const { values, limits } = await alternate(repetitions, rate(server.port), rate(port));
    results.push(result({ name: `read of a warm 4 KiB snapshot, ${status}, 64 connections`, unit: 'requests/s', values, limits, aim: 0.6, more: true }));
  }
  await Promise.all([server.end(), bare.end(), load.end()]);
  return results;
}

/** The headers that the handler has set; Node sets the others on both sides. */
function ownHeaders({ headers }) {
  return [...headers].filter(([name]) => !['date', 'connection', 'keep-alive'].includes(name));
}
