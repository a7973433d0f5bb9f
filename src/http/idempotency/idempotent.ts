import { applyDecorators } from '@nestjs/common';
import { ApiHeader } from '@nestjs/swagger';
import { MAX_IDEMPOTENCY_KEY } from '../request-context';
import { addRouteConfig } from '../route-config';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The route honours `Idempotency-Key`. */
    idempotent?: boolean;
  }
}

/** The route honours `Idempotency-Key`: see {@link IdempotencyInterceptor}. */
export function Idempotent(): MethodDecorator {
  const header = ApiHeader({
    name: 'Idempotency-Key',
    required: false,
    description: 'The same request with the same key does nothing a second time: it is answered as it was the first time, for 24 hours.',
    schema: { type: 'string', minLength: 1, maxLength: MAX_IDEMPOTENCY_KEY },
  });
  return applyDecorators(addRouteConfig({ idempotent: true }), header);
}
