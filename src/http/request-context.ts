import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import { ApiHeader } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Actor } from '../kernel/actor';
import { DomainError } from '../kernel/domain-error';

declare module 'fastify' {
  interface FastifyRequest {
    /** Who asks; set by the guard before the body is read. Absent on public routes. */
    actor: Actor | undefined;
    /** The request's own place in a trace, when it is traced: what is done for it names this as its parent. */
    traceparent: string | undefined;
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
export const IfMatch = headerDecorator('If-Match', 'Do it only if the resource still has one of these ETags.');
/** The `If-None-Match` header, for {@link notModified}. */
export const IfNoneMatch = headerDecorator('If-None-Match', 'Answer 304 if the resource still has one of these ETags.');
/** The `Content-Type` header, without which a raw body cannot be understood. */
export const ContentType = headerDecorator('Content-Type');

function headerDecorator(name: string, description?: string): () => ParameterDecorator {
  const header = createParamDecorator((_data: unknown, context: ExecutionContext): string | undefined => {
    const value = context.switchToHttp().getRequest<FastifyRequest>().headers[name.toLowerCase()];
    return Array.isArray(value) ? value.join(', ') : value;
  });
  return () => (target, key, index) => {
    header()(target, key, index);
    const handler = key === undefined ? undefined : Object.getOwnPropertyDescriptor(target, key);
    if (description !== undefined && key !== undefined && handler !== undefined) {
      ApiHeader({ name, description, required: false, schema: { type: 'string' } })(target, key, handler);
    }
  };
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
