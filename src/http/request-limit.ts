import type { FastifyInstance, FastifyRequest } from 'fastify';
import { DomainError } from '../kernel/domain-error';
import { isOfTheApi } from './needs';
import { addRouteConfig } from './route-config';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** With `?wait=…`, a request of this route does nothing for most of its time. */
    mayWait?: boolean;
  }
}

export interface RequestLimits {
  readonly maxConcurrentRequests: number;
  readonly maxWaitingRequests: number;
}

/** A route whose requests may ask, with `?wait=…`, to be answered later than at once. */
export const MayWait = (): MethodDecorator => addRouteConfig({ mayWait: true });

interface Bound {
  readonly max: number;
  readonly doing: string;
  count: number;
}

/**
 * Bounds how many requests of the API are worked on at once: what comes beyond is refused at once with 429, so that a
 * flood costs a refusal each and not memory, while those that were let in finish. Requests that wait have a bound of
 * their own, so that those who wait for an answer never keep out those whose work they wait for. Health pages, and the
 * data plane with its waiting clients, are not counted.
 */
export function limitConcurrentRequests(fastify: FastifyInstance, { maxConcurrentRequests, maxWaitingRequests }: RequestLimits): void {
  const working: Bound = { max: maxConcurrentRequests, doing: 'is working on', count: 0 };
  const waiting: Bound = { max: maxWaitingRequests, doing: 'lets wait', count: 0 };
  const counted = new WeakMap<FastifyRequest, Bound>();
  const handled = new WeakSet<FastifyRequest>();
  const release = (request: FastifyRequest): void => {
    const bound = counted.get(request);
    if (bound !== undefined && counted.delete(request)) bound.count -= 1;
  };
  fastify.addHook('onRequest', (request, { raw }, done) => {
    const { config } = request.routeOptions;
    if (!isOfTheApi(config)) return done();
    const bound = config.mayWait === true && 'wait' in (request.query as object) ? waiting : working;
    if (bound.count >= bound.max) {
      return done(new DomainError('too_many_requests', `The server ${bound.doing} ${bound.max} requests already. Try again in a moment, with fewer at once.`));
    }
    bound.count += 1;
    counted.set(request, bound);
    raw.once('close', () => {
      if (!handled.has(request)) release(request);
    });
    done();
  });
  fastify.addHook('preHandler', (request, _reply, done) => {
    handled.add(request);
    done();
  });
  fastify.addHook('onResponse', (request, _reply, done) => {
    release(request);
    done();
  });
  // Nobody responds to a client that has hung up. Its request counts until the handler has come to an end all the same.
  fastify.addHook('onSend', (request, { raw }, _payload, done) => {
    if (raw.destroyed) release(request);
    done();
  });
}
