import type { DynamicModule } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyInstance } from 'fastify';
import { AppModule } from './app.module';
import { EdgeAppModule } from './edge-app.module';
import { configureHttp } from './http/configure-http';
import { createHttpAdapter } from './http/http-adapter';
import { ApiDescription } from './http/openapi/api-description';
import { createOpenApiDocument } from './http/openapi/openapi-document';
import { logOptions, NestLogger } from './logging';
import { logRequests } from './request-log';
import type { Settings } from './settings/settings';

/**
 * The whole server as one object: connected to the database, migrated, and ready to `listen()`. Several may live in
 * one process. Closing it closes everything it opened.
 */
export async function createApplication(settings: Settings): Promise<NestFastifyApplication> {
  const app = await create(AppModule.with(settings), settings);
  app.get(ApiDescription).from(() => createOpenApiDocument(app));
  return app;
}

/** The same for an edge, which needs NATS and no database. */
export function createEdge(settings: Settings): Promise<NestFastifyApplication> {
  return create(EdgeAppModule.with(settings), settings);
}

async function create(module: DynamicModule, settings: Settings): Promise<NestFastifyApplication> {
  const adapter = createHttpAdapter(settings, logOptions(settings));
  const fastify = adapter.getInstance<FastifyInstance>();
  const app = await NestFactory.create<NestFastifyApplication>(module, adapter, {
    bodyParser: false,
    abortOnError: false,
    logger: new NestLogger(fastify.log),
  });
  configureHttp(app, settings);
  logRequests(fastify);
  return app;
}
