import 'reflect-metadata';
import { RouteConfig } from '@nestjs/platform-fastify';
import type {} from 'fastify';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The body reaches the handler as a Buffer, whatever its content type. */
    rawBody?: boolean;
    /** The body holds secrets: no part of it is quoted, whatever is wrong with it. */
    secretBody?: boolean;
  }
}

const ROUTE_CONFIG = Symbol('route config');

/** Like Nest's `RouteConfig`, but adds to what other decorators said about the same route instead of replacing it. */
export function addRouteConfig(config: object): MethodDecorator {
  return (target, key, descriptor) => {
    const handler = descriptor.value as object;
    const merged = { ...(Reflect.getMetadata(ROUTE_CONFIG, handler) as object | undefined), ...config };
    Reflect.defineMetadata(ROUTE_CONFIG, merged, handler);
    RouteConfig(merged)(target, key, descriptor);
  };
}

/** The body holds secrets: nothing of it is quoted in an error. */
export const SecretBody = (): MethodDecorator => addRouteConfig({ secretBody: true });

/** The handler's `@Body()` is a Buffer with exactly the bytes that were sent, whatever their content type. */
export const RawBody = (): MethodDecorator => addRouteConfig({ rawBody: true });
