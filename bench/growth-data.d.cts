import type { ClientBase } from 'pg';

export interface CatalogSize {
  readonly services: number;
  readonly versions: number;
  readonly includers?: number;
}

export const ENVIRONMENT_NAMES: readonly string[];
export const LIBRARY: string;
export function serviceName(number: number): string;
export function loadCatalog(client: ClientBase, size: CatalogSize): Promise<void>;
