import type { FastifyInstance, RouteOptions } from 'fastify';
import { createApplication } from '../../src/application';
import type { Access } from '../../src/http/needs';
import { defaultSettings } from '../../src/settings/default-settings';
import type { TestDatabase } from './database';

/** A route as the running application has it. */
export interface Route {
  /** `GET /api/v1/services/:service`: what scenarios are named by. */
  readonly name: string;
  readonly method: string;
  readonly url: string;
  readonly access: Access | undefined;
}

/** Every route that an application registers, whoever registers it. HEAD, which Fastify adds to each GET, is left out. */
export async function routesOf(database: TestDatabase): Promise<Route[]> {
  const app = await createApplication(defaultSettings({ logLevel: 'silent', databaseUrl: database.url }));
  const routes = new Map<string, Route>();
  try {
    const fastify = app.getHttpAdapter().getInstance() as unknown as FastifyInstance;
    fastify.addHook('onRoute', ({ method, url, config }: RouteOptions) => {
      for (const verb of [method].flat()) {
        if (verb !== 'HEAD') routes.set(`${verb} ${url}`, { name: `${verb} ${url}`, method: verb, url, access: config?.access });
      }
    });
    await app.init();
  } finally {
    await app.close();
  }
  return [...routes.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}
