import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Actor } from '../kernel/actor';
import { DomainError } from '../kernel/domain-error';

declare module 'fastify' {
  interface FastifyRequest {
    /** Who asks; set by the guard before the body is read. Absent on public routes. */
    actor: Actor | undefined;
    /** What was wrong with the body. Kept until the whole body was read, so that the connection survives. */
    bodyFault: Error | undefined;
    /** SHA-256 of the body as it was sent; only computed when the request carries an `Idempotency-Key`. */
    bodyDigest: Buffer | undefined;
  }
}

/** The {@link Actor} who asks, as use cases, history and audit want it. */
export const CurrentActor = createParamDecorator((_data: unknown, context: ExecutionContext): Actor => {
  const { actor } = context.switchToHttp().getRequest<FastifyRequest>();
  if (actor === undefined) throw new Error('@CurrentActor() was used on a route without a guard.');
  return actor;
});

/** The `If-Match` header, for {@link requireMatch}. */
export const IfMatch = headerDecorator('if-match');
/** The `If-None-Match` header, for {@link notModified}. */
export const IfNoneMatch = headerDecorator('if-none-match');
/** The `Content-Type` header, without which a raw body cannot be understood. */
export const ContentType = headerDecorator('content-type');

function headerDecorator(name: 'if-match' | 'if-none-match' | 'content-type'): () => ParameterDecorator {
  return createParamDecorator((_data: unknown, context: ExecutionContext): string | undefined =>
    context.switchToHttp().getRequest<FastifyRequest>().headers[name]);
}

export const MAX_IDEMPOTENCY_KEY = 255;

/** The validated `Idempotency-Key` header, if there is one. */
export function idempotencyKeyOf(request: FastifyRequest): string | undefined {
  const key = request.headers['idempotency-key'];
  if (key === undefined) return undefined;
  if (typeof key === 'string' && key.length <= MAX_IDEMPOTENCY_KEY && /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/.test(key)) return key;
  throw new DomainError('malformed_request', `Idempotency-Key must be one header of 1 to ${MAX_IDEMPOTENCY_KEY} printable ASCII characters.`);
}

export type { FastifyReply, FastifyRequest };
