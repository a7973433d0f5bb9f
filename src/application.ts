import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyInstance } from 'fastify';
import { AppModule } from './app.module';
import { configureHttp } from './http/configure-http';
import { createHttpAdapter } from './http/http-adapter';
import { logOptions, NestLogger } from './logging';
import type { Settings } from './settings/settings';

/**
 * The whole server as one object: connected to the database, migrated, and ready to `listen()`. Several may live in
 * one process. Closing it closes everything it opened.
 */
export async function createApplication(settings: Settings): Promise<NestFastifyApplication> {
  const adapter = createHttpAdapter(settings, logOptions(settings));
  const { log } = adapter.getInstance<FastifyInstance>();
  const app = await NestFactory.create<NestFastifyApplication>(AppModule.with(settings), adapter, {
    bodyParser: false,
    abortOnError: false,
    logger: new NestLogger(log),
  });
  configureHttp(app, settings);
  return app;
}
