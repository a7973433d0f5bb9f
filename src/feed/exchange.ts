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
  /** What every answer says, as names and values in turn. */
  readonly common: readonly string[];
}

/** Takes the answer out of Fastify's hands. */
export function takeOver({ request, reply }: Exchange): RawExchange {
  reply.hijack();
  return { request: request.raw, response: reply.raw, requestId: request.id, common: pairsOf(reply) };
}

/** What has been said so far, but for the request id, which is written last. */
export function pairsOf(reply: FastifyReply): string[] {
  return Object.entries(reply.getHeaders()).flatMap(([name, value]) => (name === 'x-request-id' ? [] : [name, String(value)]));
}

/** `headers` are names and values in turn, the form that costs Node least. */
export function writeRaw({ request, response, requestId, common }: RawExchange, status: number, headers: string[], body?: Buffer): void {
  headers.push('X-Request-Id', requestId, ...common);
  response.writeHead(status, headers);
  if (body === undefined || request.method === 'HEAD') response.end();
  else response.end(body);
}
