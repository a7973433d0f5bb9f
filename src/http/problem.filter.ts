import { Catch, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { problemOf, type Problem } from './problem';

/** Every error of every route, Nest's and Fastify's own included, leaves as a problem document. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  catch(error: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    sendProblem(error, http.getRequest<FastifyRequest>(), http.getResponse<FastifyReply>());
  }
}

export function sendProblem(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
  const { problem, headers, cause } = problemOf(error, request.id);
  if (problem.status >= 500) {
    const level = problem.code === 'internal' ? 'error' : 'warn';
    request.log[level]({ err: cause, code: problem.code }, `${request.method} ${request.routeOptions.url ?? ''} failed`);
  }
  if (reply.raw.writableEnded) return;
  // The body may have begun already (a stream): cutting it off is the only honest answer left.
  if (reply.sent || reply.raw.headersSent) {
    reply.raw.destroy();
    return;
  }
  for (const name of ['etag', 'location', 'last-modified']) void reply.removeHeader(name);
  const challenge = reply.getHeader('www-authenticate') ?? headers['www-authenticate'];
  if (challenge !== undefined) headers['www-authenticate'] = String(challenge);
  void reply.code(problem.status).headers(headers).send(encode(problem));
}

/** As bytes, because to text Fastify adds a charset, which JSON types do not have. */
export function encode(problem: Problem): Buffer {
  return Buffer.from(JSON.stringify(problem));
}
