import type { FastifyInstance, FastifyRequest } from 'fastify';
import { isOfTheApi } from './http/needs';
import './http/request-context';

/**
 * One line for each request, when it is answered: the pattern of its route, so that neither names nor query strings nor
 * anything else that a caller puts into a URL is kept here. What only reads, and what many ask for all the time, is
 * for `debug`. Reads of a snapshot at hand have no line at all.
 */
export function logRequests(fastify: FastifyInstance): void {
  fastify.addHook('onResponse', (request, reply, done) => {
    const { method, routeOptions, is404, actor, credential, traceparent } = request;
    const route = is404 ? undefined : routeOptions.url;
    const line = {
      method,
      route,
      status: reply.statusCode,
      durationMs: Math.round(reply.elapsedTime),
      actorId: actor?.id ?? credential?.id,
      traceId: traceparent?.slice(3, 35),
    };
    const level = isBackground(request) && reply.statusCode < 400 ? 'debug' : 'info';
    // The line has the id of the request already: Fastify's logger adds it.
    request.log[level](line, `${method} ${route ?? '(no such route)'} ${reply.statusCode}`);
    done();
  });
}

/** The data plane, health and metrics, documentation. */
function isBackground({ routeOptions: { config } }: FastifyRequest): boolean {
  return !isOfTheApi(config);
}
