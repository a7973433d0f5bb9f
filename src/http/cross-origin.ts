import type { FastifyInstance, FastifyReply } from 'fastify';

const API = '/api/v1/';
const METHODS = 'GET, HEAD, POST, PUT, PATCH, DELETE';
/** What a page of the API's own origin could send. Cookies are not among it: other origins use tokens. */
const REQUEST_HEADERS = 'Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, X-Request-Id';
const ANSWER_HEADERS = 'ETag, Location, RateLimit, RateLimit-Policy, Retry-After, X-Request-Id';
const PREFLIGHT_SECONDS = '600';

/**
 * Lets pages of the origins in the list, and of no other, call the API. An origin is compared as text with the few that
 * the operator wrote down, so there is nothing to match and nothing to reflect; without a list no answer ever speaks of
 * other origins, and browsers keep them out by themselves. Never with cookies.
 */
export function allowOrigins(fastify: FastifyInstance, origins: readonly string[]): void {
  if (origins.length === 0) return;
  const allowed = new Set(origins);
  fastify.addHook('onRequest', (request, reply, done) => {
    const { method, url, headers } = request;
    if (!url.startsWith(API)) return done();
    void reply.header('vary', 'Origin');
    if (headers.origin === undefined || !allowed.has(headers.origin)) return done();
    void reply.headers({ 'access-control-allow-origin': headers.origin, 'access-control-expose-headers': ANSWER_HEADERS });
    if (method !== 'OPTIONS' || headers['access-control-request-method'] === undefined) return done();
    answerPreflight(reply);
  });
}

/** Says what may be asked, of every path alike: a stranger learns nothing of which there are. */
function answerPreflight(reply: FastifyReply): void {
  void reply
    .code(204)
    .headers({ 'access-control-allow-methods': METHODS, 'access-control-allow-headers': REQUEST_HEADERS, 'access-control-max-age': PREFLIGHT_SECONDS })
    .send();
}
