import type { DynamicModule } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { OpenAPIObject } from '@nestjs/swagger';
import type { Settings } from '../../settings/settings';
import { createHttpAdapter } from '../http-adapter';
import { createOpenApiDocument } from './openapi-document';

/** The OpenAPI document of an application that is only looked at: nothing in it is made, nothing is connected. */
export async function previewDocument(module: DynamicModule, settings: Settings): Promise<OpenAPIObject> {
  const options = { preview: true, logger: false, abortOnError: false } as const;
  const app = await NestFactory.create<NestFastifyApplication>(module, createHttpAdapter(settings), options);
  // Through JSON, as it is served: what is undefined is not there.
  return JSON.parse(JSON.stringify(createOpenApiDocument(app))) as OpenAPIObject;
}
