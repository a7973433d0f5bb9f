import { applyDecorators } from '@nestjs/common';
import { ApiBearerAuth, ApiExtension, ApiSecurity } from '@nestjs/swagger';
import type { FastifyContextConfig } from 'fastify';
import type { Permission } from '../kernel/authority';
import { addRouteConfig } from './route-config';

/**
 * Where a permission is needed. `layer`: in the layer of the path's `{service}` and `{environment}`. `service`: in at least one
 * layer of `{service}`; `whole-service`: in all of them. `environment`: in at least one layer of `{environment}` or below it.
 * `change`: in every layer that the change `{id}` touches. `somewhere`: in any layer; the handler looks at which.
 * `everywhere`: in all layers of all services.
 */
export type Where = 'layer' | 'service' | 'whole-service' | 'environment' | 'change' | 'somewhere' | 'everywhere';
export type Need = `${Permission} ${Where}`;

/**
 * Who may call a route: who has a permission somewhere; `signed-in`, any token or session; `browse`, any credential;
 * `public`, anyone; `self`, the handler authenticates (the feed does).
 */
export type Access = Need | 'signed-in' | 'browse' | 'public' | 'self';

declare module 'fastify' {
  interface FastifyContextConfig {
    access?: Access;
    /** The credential may also be the password of HTTP Basic, which is how a browser can send one. */
    basic?: boolean;
  }
}

/** Every route says who may call it; the server does not start with one that does not. */
export function Needs(signedIn: 'signed-in'): MethodDecorator;
export function Needs(permission: Permission, where: Where): MethodDecorator;
export function Needs(permission: Permission | 'signed-in', where?: Where): MethodDecorator {
  const access = where === undefined ? permission : `${permission} ${where}`;
  return applyDecorators(addRouteConfig({ access }), ApiBearerAuth(), ApiExtension('x-needs', access));
}

/** Whether the route is one of the API: not a page, nor one of the data plane. */
export function isOfTheApi({ access, basic }: FastifyContextConfig): boolean {
  return basic !== true && access !== 'public' && access !== 'self' && access !== 'browse';
}

/** For pages that people open in a browser. By itself any credential will do: such a page shows nothing of anybody's configuration. */
export const Browsable = (access: Access = 'browse'): MethodDecorator => addRouteConfig({ access, basic: true });

/** For liveness only: everything else needs a credential. */
export function Public(): MethodDecorator {
  return applyDecorators(addRouteConfig({ access: 'public' }), ApiSecurity({}));
}
