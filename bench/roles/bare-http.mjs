// The limit of reading: a bare node:http server that answers the same bytes, headers included.
import { createServer } from 'node:http';
import { answer } from '../support/role.mjs';

let headers = [];
let body = Buffer.alloc(0);
let etag = '';

const server = createServer((request, response) => {
  if (request.headers['if-none-match'] === etag) response.writeHead(304, headers).end();
  else response.writeHead(200, headers).end(body);
});

answer({
  listen: async ({ answerOf }) => {
    headers = answerOf.headers.flat();
    body = Buffer.from(answerOf.body);
    etag = answerOf.etag;
    if (!server.listening) await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
    return server.address().port;
  },
});
