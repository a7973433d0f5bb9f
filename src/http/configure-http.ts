import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyInstance } from 'fastify';
import type { Settings } from '../settings/settings';
import { registerBodyParser } from './body-parser';
import { commonHeaders } from './common-headers';
import './content-policy';
import { allowOrigins } from './cross-origin';
import { ProblemFilter } from './problem.filter';
import { limitConcurrentRequests } from './request-limit';
import { RequestShapePipe } from './request-shape.pipe';

/**
 * Everything between the socket and the handlers: bodies, errors, headers, the rule that every route says who may call
 * it. Called after the application was created with {@link createHttpAdapter} and before it is initialised.
 */
export function configureHttp(app: NestFastifyApplication, settings: Settings): void {
  const fastify = app.getHttpAdapter().getInstance() as unknown as FastifyInstance;
  requireDeclaredAccess(fastify);
  registerBodyParser(fastify, settings.http.maxBodyBytes);
  fastify.decorateRequest('actor', undefined);
  fastify.server.maxConnections = settings.http.maxConnections;
  const { fixed } = commonHeaders(settings);
  fastify.addHook('onRequest', (request, reply, done) => {
    void reply.headers(fixed).header('x-request-id', request.id);
    done();
  });
  // After that hook: a refusal has those headers as well.
  allowOrigins(fastify, settings.http.allowedOrigins);
  limitConcurrentRequests(fastify, settings.http);
  let closing = false;
  fastify.addHook('preClose', (done) => {
    closing = true;
    done();
  });
  fastify.addHook('onSend', (request, reply, _payload, done) => {
    if (!reply.hasHeader('cache-control')) void reply.header('cache-control', 'no-store');
    const { contentPolicy } = request.routeOptions.config;
    if (contentPolicy !== undefined && reply.statusCode < 400) void reply.header('content-security-policy', contentPolicy);
    // A connection whose request was under way when the server began to close would be kept alive, and the close with it.
    if (closing) void reply.header('connection', 'close');
    done();
  });
  app.useGlobalFilters(new ProblemFilter());
  app.useGlobalPipes(new RequestShapePipe());
}

/** A route that nobody thought about is not open: it does not exist, and neither does the server. */
function requireDeclaredAccess(fastify: FastifyInstance): void {
  fastify.addHook('onRoute', ({ method, url, config }) => {
    if (config?.access === undefined) throw new Error(`${String(method)} ${url} does not say who may call it. Add @Needs(…) or @Public().`);
  });
}
