/** What is configured: the same in every run, small enough to think about, with every kind of dependency in it. */

/** Child → parent; `base` is the root. */
export const ENVIRONMENTS = { staging: 'base', production: 'base', 'production-eu': 'production' } as const;

export const SERVICES = ['common', 'limits', 'orders', 'billing'] as const;

/** Who builds on whom, declared in `<service>@base`. */
export const INCLUDES: Readonly<Record<string, readonly string[]>> = { orders: ['common'], billing: ['common', 'limits'] };

/** The layers documents are written in. Each writes a key of its own name, so that every layer of a snapshot shows. */
export const LAYERS = [
  'common@base', 'common@production', 'limits@base', 'limits@production-eu',
  'orders@base', 'orders@production', 'orders@production-eu', 'orders@staging',
  'billing@base', 'billing@production', 'billing@production-eu',
] as const;

/** What clients follow and readers read. */
export const TARGETS = [
  'orders@production', 'orders@production-eu', 'orders@staging',
  'billing@production', 'billing@production-eu', 'common@production',
] as const;

/** From the root to the environment itself. */
export function lineageOf(environment: string): string[] {
  const parent = (ENVIRONMENTS as Readonly<Record<string, string>>)[environment];
  return parent === undefined ? [environment] : [...lineageOf(parent), environment];
}

export function partsOf(layer: string): { readonly service: string; readonly environment: string } {
  const [service = '', environment = ''] = layer.split('@');
  return { service, environment };
}
