import type { FastifyReply, FastifyRequest } from 'fastify';
import type { IncomingMessage, ServerResponse } from 'node:http';

/** One HTTP request and its answer, as Fastify has them. */
export interface Exchange {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
}

/** The same without Fastify: for answers whose bytes and headers are ready. */
export interface RawExchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly requestId: string;
}

/** Takes the answer out of Fastify's hands. */
export function takeOver({ request, reply }: Exchange): RawExchange {
  reply.hijack();
  return { request: request.raw, response: reply.raw, requestId: request.id };
}

/** `headers` are names and values in turn, the form that costs Node least. */
export function writeRaw({ request, response, requestId }: RawExchange, status: number, headers: string[], body?: Buffer): void {
  headers.push('X-Request-Id', requestId);
  response.writeHead(status, headers);
  if (body === undefined || request.method === 'HEAD') response.end();
  else response.end(body);
}
