import { Inject, Injectable } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { isOfTheApi } from '../../http/needs';
import '../../http/request-context';
import { routeOf } from '../http-metrics';
import { SPANS, type OpenSpan, type Spans } from './spans';
import { formatTraceparent, parseTraceparent } from './traceparent';

/** One span for each request of the API, in the caller's trace if there is one. Reads of the data plane are too many for it. */
@Injectable()
export class RequestTrace {
  private readonly open = new WeakMap<FastifyRequest, OpenSpan>();

  constructor({ httpAdapter }: HttpAdapterHost, @Inject(SPANS) spans: Spans | null) {
    const fastify = httpAdapter.getInstance<FastifyInstance>();
    fastify.decorateRequest('traceparent', undefined);
    if (spans === null) return;
    // Before the request is let in: whoever asks is given the trace with what they do.
    fastify.addHook('onRequest', (request, _reply, done) => {
      if (isOfTheApi(request.routeOptions.config) && !request.is404) this.begin(spans, request);
      done();
    });
    fastify.addHook('onResponse', (request, reply, done) => {
      this.open.get(request)?.end({
        at: performance.now(),
        attributes: { 'http.response.status_code': reply.statusCode, 'trimtab.actor.id': request.actor?.id },
        error: reply.statusCode >= 500 ? `answered ${reply.statusCode}` : undefined,
      });
      done();
    });
  }

  private begin(spans: Spans, request: FastifyRequest): void {
    const route = routeOf(request);
    const span = spans.begin({
      name: `${request.method} ${route}`,
      kind: 'server',
      parent: parseTraceparent(request.headers.traceparent),
      at: performance.now(),
      attributes: { 'http.request.method': request.method, 'http.route': route, 'trimtab.request.id': request.id },
    });
    this.open.set(request, span);
    request.traceparent = formatTraceparent(span.context);
  }
}
