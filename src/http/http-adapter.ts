import { FastifyAdapter } from '@nestjs/platform-fastify';
import { LogController, type FastifyReply, type FastifyRequest, type FastifyServerOptions } from 'fastify';
import type { Socket } from 'node:net';
import { DomainError } from '../kernel/domain-error';
import type { Settings } from '../settings/settings';
import { trustedProxies } from './client-address';
import { commonHeaders, type CommonHeaders } from './common-headers';
import { problemOf } from './problem';
import { encode } from './problem.filter';
import { rawAnswer } from './raw-answer';
import { requestIdOf } from './request-id';

/** Longest name a path can hold, with room for every character percent-encoded. */
const MAX_PARAM_LENGTH = 512;

/** The Fastify adapter with everything that can only be said when it is made. {@link configureHttp} does the rest. */
export function createHttpAdapter(settings: Settings, logger: FastifyServerOptions['logger'] = false): FastifyAdapter {
  const common = commonHeaders(settings);
  const { trustedProxies: networks } = settings.http;
  return new FastifyAdapter({
    logger,
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: 'requestId' }),
    genReqId: requestIdOf,
    // Nothing is trusted because a header claims it came through a proxy: only connections of these may claim it.
    trustProxy: networks.length === 0 ? false : trustedProxies(networks),
    // What still comes in on open connections while we go away is answered like any other request.
    return503OnClosing: false,
    bodyLimit: settings.http.maxBodyBytes,
    requestTimeout: settings.http.requestTimeoutMs,
    // By itself Node looks every 30 seconds only, and takes the longer of the two timeouts for the whole request: 60
    // seconds are its default for the headers.
    http: { headersTimeout: settings.http.requestTimeoutMs, connectionsCheckingInterval: Math.ceil(settings.http.requestTimeoutMs / 4) },
    routerOptions: { maxParamLength: MAX_PARAM_LENGTH, caseSensitive: true, ignoreTrailingSlash: false },
    // The router's own refusals (a malformed URL) come before any hook and any handler of errors.
    frameworkErrors: (error: Error, request: FastifyRequest, reply: FastifyReply) => {
      const { problem, headers } = problemOf(error, request.id);
      void reply.code(problem.status).headers({ ...headers, ...common.fixed, 'x-request-id': request.id }).send(encode(problem));
    },
    clientErrorHandler: (error, socket) => answerUnreadableRequest(error, socket, common),
  });
}

/** What cannot be read as HTTP at all is answered on the bare socket. */
function answerUnreadableRequest(error: Error & { code?: string }, socket: Socket, common: CommonHeaders): void {
  if (error.code === 'ECONNRESET' || socket.destroyed || !socket.writable) {
    socket.destroy();
    return;
  }
  socket.end(rawAnswer(new DomainError('malformed_request', unreadable(error.code)), requestIdOf({ headers: {} }), common));
}

function unreadable(code: string | undefined): string {
  if (code === 'HPE_HEADER_OVERFLOW') return 'The headers of the request are too large.';
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return 'The request did not arrive in time.';
  return 'The request is not well-formed HTTP.';
}
