import { applyDecorators } from '@nestjs/common';
import { ApiBearerAuth, ApiSecurity } from '@nestjs/swagger';
import { addRouteConfig } from './route-config';

/**
 * Who may call a route: `admin`, an administrator token; `read`, also a client key whose service and environment cover
 * the route's `{service}` and `{environment}`; `browse`, any credential, also as the password of HTTP Basic, which is how a browser can
 * send one; `public`, anyone; `self`, the handler authenticates (the feed does).
 */
export type Access = 'admin' | 'read' | 'browse' | 'public' | 'self';

declare module 'fastify' {
  interface FastifyContextConfig {
    access?: Access;
  }
}

/** Every route says who may call it; the server does not start with one that does not. */
export function Needs(access: 'admin' | 'read'): MethodDecorator {
  return applyDecorators(addRouteConfig({ access }), ApiBearerAuth());
}

/** For pages about the API, which show nothing of anybody's configuration. */
export const Browsable = (): MethodDecorator => addRouteConfig({ access: 'browse' });

/** For liveness only: everything else needs a credential. */
export function Public(): MethodDecorator {
  return applyDecorators(addRouteConfig({ access: 'public' }), ApiSecurity({}));
}
