import { Injectable } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { Histogram, Registry } from 'prom-client';
import { wantsEvents } from '../feed/read/accept';

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/** How long requests take, by the pattern of their route: what stands in its place is the caller's, and without bound. */
@Injectable()
export class HttpMetrics {
  constructor(registry: Registry, { httpAdapter }: HttpAdapterHost) {
    const duration = new Histogram({
      name: 'trimtab_http_request_duration_seconds',
      help: 'How long requests took. Those that are meant to wait (streams, long polls) are not among them, nor are reads of a snapshot at hand.',
      labelNames: ['method', 'route', 'status'],
      buckets: SECONDS,
      registers: [registry],
    });
    httpAdapter.getInstance<FastifyInstance>().addHook('onResponse', (request, reply, done) => {
      if (!isMeantToWait(request)) duration.observe({ method: methodOf(request), route: routeOf(request), status: reply.statusCode }, reply.elapsedTime / 1_000);
      done();
    });
  }
}

/** The pattern of the route, or `none` for whatever asks for a route that does not exist. */
export function routeOf({ is404, routeOptions: { url } }: FastifyRequest): string {
  return is404 || url === undefined ? 'none' : url;
}

/** A client may send any method; only those that there is a route for are worth a time series. */
function methodOf({ is404, method }: FastifyRequest): string {
  return is404 ? 'any' : method;
}

function isMeantToWait({ headers, query }: FastifyRequest): boolean {
  return wantsEvents(headers.accept) || (typeof query === 'object' && query !== null && 'wait' in query);
}
