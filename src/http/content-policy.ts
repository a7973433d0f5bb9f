import type {} from 'fastify';
import { addRouteConfig } from './route-config';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The Content-Security-Policy of what the route answers with success, in place of the one that allows nothing. */
    contentPolicy?: string;
  }
}

/** For a page: what it may load. Errors, and everything else, keep the policy that allows nothing. */
export const ContentPolicy = (contentPolicy: string): MethodDecorator => addRouteConfig({ contentPolicy });
