import type { INestApplicationContext } from '@nestjs/common';
import { DocumentBuilder, SwaggerModule, type OpenAPIObject } from '@nestjs/swagger';
import { ERROR_CODES } from '../../kernel/error-codes';
import { PROBLEM_TYPE } from '../problem';
import { describedRoutes, type Schema } from './described-routes';

type Paths = OpenAPIObject['paths'];

const DESCRIPTION = `Every error is a problem document (RFC 9457) with a stable \`code\`; docs/errors.md explains each.
Lists are paged by cursor. Writes that could race take \`If-Match\`; repeatable writes take \`Idempotency-Key\`.`;

const PROBLEM_SCHEMA: Schema = {
  type: 'object',
  description: 'RFC 9457. Some codes have further members.',
  required: ['type', 'title', 'status', 'code', 'detail', 'requestId'],
  properties: {
    type: { type: 'string', description: 'Stable reference: `/docs/errors#<code>`.' },
    title: { type: 'string' },
    status: { type: 'integer' },
    code: { type: 'string', enum: Object.keys(ERROR_CODES) },
    detail: { type: 'string', description: 'What happened, where, and what to do.' },
    pointer: { type: 'string', description: 'RFC 6901 pointer into the input.' },
    requestId: { type: 'string' },
    errors: {
      type: 'array',
      description: 'All faults of a malformed request.',
      items: { type: 'object', required: ['pointer', 'message'], properties: { pointer: { type: 'string' }, message: { type: 'string' } } },
    },
  },
};

/**
 * The description of the API, out of the controllers. Works on an application that was created in preview mode, so
 * no database is needed.
 */
export function createOpenApiDocument(app: INestApplicationContext): OpenAPIObject {
  const base = new DocumentBuilder()
    .setTitle('Trimtab')
    .setDescription(DESCRIPTION)
    .setVersion('1')
    .setLicense('Apache-2.0', 'https://www.apache.org/licenses/LICENSE-2.0')
    .addBearerAuth({ type: 'http', scheme: 'bearer', description: 'An administrator token (`tta_…`) or, where it suffices, a client key (`ttk_…`).' })
    .build();
  const document = SwaggerModule.createDocument(app as Parameters<typeof SwaggerModule.createDocument>[0], base, {
    operationIdFactory: (controller, method) => `${controller.replace(/Controller$/, '')}.${method}`,
  });
  const paths = sorted({ ...document.paths, ...describedRoutes() });
  for (const path of Object.values(paths)) describeProblems(path);
  const schemas = sorted({ ...document.components?.schemas, Problem: PROBLEM_SCHEMA });
  return { ...document, paths, components: { ...document.components, schemas } };
}

function describeProblems(path: Paths[string]): void {
  for (const method of ['get', 'put', 'post', 'patch', 'delete', 'head'] as const) {
    const operation = path[method];
    if (operation === undefined) continue;
    operation.responses['default'] = {
      description: 'A problem document.',
      content: { [PROBLEM_TYPE]: { schema: { $ref: '#/components/schemas/Problem' } } },
    };
  }
}

/** By name, so that the order in which modules are loaded does not show. */
function sorted<T>(members: Record<string, T>): Record<string, T> {
  return Object.fromEntries(Object.entries(members).sort(([a], [b]) => (a < b ? -1 : 1)));
}
