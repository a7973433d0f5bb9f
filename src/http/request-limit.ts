import type { FastifyInstance, FastifyRequest } from 'fastify';
import { DomainError } from '../kernel/domain-error';

/**
 * Bounds how many requests of the API are worked on at once: what comes beyond is refused at once with 429, so that a
 * flood costs a refusal each and not memory, while those that were let in finish. Health pages, and the data plane with
 * its waiting clients, are not counted.
 */
export function limitConcurrentRequests(fastify: FastifyInstance, max: number): void {
  const running = new WeakSet<FastifyRequest>();
  let count = 0;
  fastify.addHook('onRequest', (request, _reply, done) => {
    const { access } = request.routeOptions.config;
    if (access !== 'admin' && access !== 'read') return done();
    if (count >= max) {
      return done(new DomainError('too_many_requests', `The server is working on ${max} requests already. Try again in a moment, with fewer at once.`));
    }
    count += 1;
    running.add(request);
    done();
  });
  // Runs for a request whose client has gone as well.
  fastify.addHook('onResponse', (request, _reply, done) => {
    if (running.delete(request)) count -= 1;
    done();
  });
}
