import type { FastifyReply, FastifyRequest } from 'fastify';

/** One HTTP request and its answer. */
export interface Exchange {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
}

/**
 * Answers past Fastify's serialization and hooks: the bytes and their headers are ready, and walking through both
 * costs more than writing them.
 */
export function writeRaw({ request, reply }: Exchange, status: number, headers: string[], body?: Buffer): void {
  reply.hijack();
  headers.push('X-Request-Id', request.id);
  const { raw } = reply;
  raw.writeHead(status, headers);
  if (body === undefined || request.method === 'HEAD') raw.end();
  else raw.end(body);
}
