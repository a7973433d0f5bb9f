// The limit of a long poll: a bare node:http server that keeps every request and answers all of them with the same
// bytes when it is told to.
import { createServer } from 'node:http';
import { now } from '../support/clock.mjs';
import { answer } from '../support/role.mjs';

let parked = [];
const server = createServer((_request, response) => parked.push(response));

answer({
  listen: async () => {
    await new Promise((resolve) => server.listen({ port: 0, host: '127.0.0.1', backlog: 4_096 }, resolve));
    return server.address().port;
  },
  count: () => parked.length,
  /** When the answering began. */
  release: ({ bytes }) => {
    const start = now();
    const body = Buffer.alloc(bytes, 'x');
    for (const response of parked) response.writeHead(200, ['Content-Type', 'application/json', 'Content-Length', String(body.length)]).end(body);
    parked = [];
    return start;
  },
});
