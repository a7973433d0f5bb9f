// The vets service of the Spring PetClinic, small: it answers GET /vets out of a cache whose lifetime and size are
// configuration, and takes every change of it while it runs. Its files are in ../petclinic-config.
//
//   npm run import -- examples/petclinic-config --token tta_…        # once: the repository into Trimtab
//   TRIMTAB_KEY=ttk_… node examples/vets-service/index.mjs           # a client key of vets-service in docker
import { connect } from '@trimtab/client';
import { createServer } from 'node:http';
import { z } from 'zod';
import { VetsCache } from './vets-cache.mjs';

// What this service needs of its configuration, and the last word on every change: a revision that does not satisfy
// it is refused, the one before stays in use, and the server shows the operator why.
const schema = z.object({
  server: z.object({ port: z.int().min(0).max(65_535) }),
  vets: z.object({
    cache: z.object({
      ttl: z.int().min(1).max(3600),
      'heap-size': z.int().min(1),
    }),
  }),
});

// 1. Connect. Resolves as soon as there is a configuration that satisfies the schema: the server's or, when the server
//    cannot be reached, the last good one on disk.
const config = await connect({
  url: process.env.TRIMTAB_URL ?? 'http://127.0.0.1:8848',
  key: process.env.TRIMTAB_KEY ?? '',
  service: 'vets-service',
  environment: process.env.TRIMTAB_ENVIRONMENT ?? 'docker',
  schema,
  restartOnly: ['server.port'],
  logger: { debug() {}, info() {}, warn() {}, error: (message) => log(message) },
});

// 2. A resource follows its part of the configuration: the next cache is filled before it replaces the one in use, and
//    a cache that cannot be filled would refuse the revision.
const cache = await config.resource('vets.cache', {
  async prepare({ ttl, 'heap-size': size }) {
    const next = new VetsCache(ttl, size);
    await next.fill();
    return next;
  },
  commit: (next, previous) => previous && log(`now with ${next}`),
  dispose: (previous) => log(`the one before gave ${previous.answers} answers`),
});

// 3. Say what happens.
config.watchDocument('application', ({ revision, changedPaths }) => log(`revision ${revision} applied: ${changedPaths.join(', ')}`));
config.on('refused', ({ revision, reason }) => log(`revision ${revision} refused: ${reason}`));
config.on('restartRequired', ({ paths }) => log(`waiting for a restart: ${paths.join(', ') || 'nothing'}`));

// 4. Serve. `runPinned` answers a request from one revision, whatever is published meanwhile.
const server = createServer((request, response) => config.runPinned(() => answer(request, response)));
server.listen(Number(process.env.PORT ?? config.get('server.port')), '127.0.0.1', () => {
  log(`serving http://127.0.0.1:${server.address().port}/vets with revision ${config.status().revision}, ${cache.current}`);
});

async function answer(request, response) {
  if (request.url === '/status') return send(response, 200, config.status());
  if (request.url !== '/vets') return send(response, 404, { error: 'GET /vets or /status' });
  const vets = await cache.current.read();
  send(response, 200, vets, { 'cache-control': `max-age=${config.get('vets.cache.ttl')}` });
}

function send(response, status, body, headers = {}) {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
}

function log(line) {
  console.log(`${new Date().toISOString().slice(11, 23)}  ${line}`);
}

for (const signal of ['SIGTERM', 'SIGINT']) process.once(signal, () => server.close(() => void config.close()) && server.closeAllConnections());
