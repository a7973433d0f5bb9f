import { applyDecorators } from '@nestjs/common';
import { ApiBearerAuth, ApiSecurity } from '@nestjs/swagger';
import { addRouteConfig } from './route-config';

/**
 * Who may call a route: `admin`, an administrator token; `read`, also a client key whose service and environment cover
 * the route's `{service}` and `{environment}`; `public`, anyone; `self`, the handler authenticates (the feed does).
 */
export type Access = 'admin' | 'read' | 'public' | 'self';

declare module 'fastify' {
  interface FastifyContextConfig {
    access?: Access;
  }
}

/** Every route says who may call it; the server does not start with one that does not. */
export function Needs(access: 'admin' | 'read'): MethodDecorator {
  return applyDecorators(addRouteConfig({ access }), ApiBearerAuth());
}

/** For liveness only: everything else needs a credential. */
export function Public(): MethodDecorator {
  return applyDecorators(addRouteConfig({ access: 'public' }), ApiSecurity({}));
}
