import type { OpenAPIObject } from '@nestjs/swagger';

type PathItem = OpenAPIObject['paths'][string];
export type Schema = NonNullable<NonNullable<OpenAPIObject['components']>['schemas']>[string];

const described = new Map<string, PathItem>();

/**
 * Describes a route that no Nest controller serves. Said where the file of the route is loaded, because the document is
 * also made without starting anything.
 */
export function describeRoute(path: string, item: PathItem): void {
  described.set(path, item);
}

export function describedRoutes(): OpenAPIObject['paths'] {
  return Object.fromEntries(described);
}
