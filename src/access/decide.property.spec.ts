import fc from 'fast-check';
import type { Permission } from '../kernel/authority';
import { PERMISSIONS } from '../kernel/authority';
import type { Credential } from './credential';
import { authorityOf } from './decide';
import { matches, type Grant } from './grant';
import { layersWith } from './layer-set';
import type { Role } from './roles';

/**
 * The decision against a model without any cleverness: a small world in which every layer there can be is written down, and a
 * set of pairs of permission and layer for each grant.
 */
const PARENT: Readonly<Record<string, string | undefined>> = { base: undefined, staging: 'base', production: 'base', 'production-eu': 'production', 'production-eu-1': 'production-eu' };
const ENVIRONMENTS = Object.keys(PARENT);
const SERVICES = ['a', 'orders', 'orders-eu', 'orders-eu-1', 'order', 'billing'];
const PATTERNS = [...SERVICES, '*', 'o*', 'orders*', 'orders-*', 'orders-eu*', 'b*', 'c*'];
const ROLES: Readonly<Record<Role, readonly Permission[]>> = {
  viewer: ['read', 'view'],
  editor: ['read', 'view', 'edit'],
  publisher: ['read', 'view', 'edit', 'publish'],
  approver: ['read', 'view', 'approve'],
  owner: ['read', 'view', 'edit', 'publish', 'approve', 'override', 'grant'],
  admin: ['read', 'view', 'edit', 'publish', 'approve', 'override', 'grant', 'administer'],
};

const lineageOf = (environment: string): readonly string[] => {
  if (!Object.hasOwn(PARENT, environment)) return [];
  const parent = PARENT[environment];
  return parent === undefined ? [environment] : [...lineageOf(parent), environment];
};
const below = (root: string): string[] => ENVIRONMENTS.filter((environment) => lineageOf(environment).includes(root));
const named = (pattern: string): string[] => SERVICES.filter((service) => new RegExp(`^${pattern.replace('*', '.*')}$`).test(service));
const LAYERS = SERVICES.flatMap((service) => ENVIRONMENTS.map((environment) => ({ service, environment })));

type Held = ReadonlySet<string>;
const key = (permission: string, service: string, environment: string): string => `${permission} ${service}@${environment}`;

function heldBy(grants: readonly Grant[]): Held {
  const held = new Set<string>();
  for (const { role, services, environment, reveal } of grants) {
    for (const permission of [...ROLES[role as Role], ...(reveal === true ? ['reveal'] : [])]) {
      for (const service of named(services)) for (const place of below(environment)) held.add(key(permission, service, place));
    }
  }
  return held;
}

const grant = fc.record({
  role: fc.constantFrom(...(Object.keys(ROLES) as Role[])),
  services: fc.constantFrom(...PATTERNS),
  environment: fc.constantFrom(...ENVIRONMENTS),
  reveal: fc.boolean(),
});
const grants = fc.array(grant, { maxLength: 4 });
const limits = fc.option(fc.array(grant, { minLength: 1, maxLength: 3 }), { nil: undefined });

function decided(own: readonly Grant[], within: readonly Grant[] | undefined) {
  const credential: Credential = { kind: 'token', id: 't', name: 't', grants: own, ...(within === undefined ? {} : { limits: within }) };
  const mine = heldBy(own);
  const bound = within && heldBy(within);
  const held: Held = bound === undefined ? mine : new Set([...mine].filter((one) => bound.has(one)));
  return { authority: authorityOf(credential, lineageOf), held };
}

it('allows in each layer what the model allows there, and nothing else', () => {
  fc.assert(
    fc.property(grants, limits, (own, within) => {
      const { authority, held } = decided(own, within);
      for (const permission of PERMISSIONS) {
        const wrong = LAYERS.filter((layer) => authority.allows(permission, layer) !== held.has(key(permission, layer.service, layer.environment)));
        expect([permission, wrong]).toEqual([permission, []]);
      }
    }),
  );
});

it('says where anything is allowed at all as the model does', () => {
  fc.assert(
    fc.property(grants, limits, (own, within) => {
      const { authority, held } = decided(own, within);
      for (const permission of PERMISSIONS) {
        const layers = LAYERS.filter(({ service, environment }) => held.has(key(permission, service, environment)));
        for (const service of SERVICES) {
          const isSomewhere = layers.some((layer) => layer.service === service);
          expect([permission, service, authority.allowsSomewhere(permission, service)]).toEqual([permission, service, isSomewhere]);
          expect([permission, service, authority.layersWith(permission).some(({ services }) => matches(services, service))]).toEqual([permission, service, isSomewhere]);
        }
        // A prefix that fits none of the services of this small world may fit one of tomorrow.
        if (layers.length > 0) expect(authority.allowsSomewhere(permission)).toBe(true);
        for (const environment of ENVIRONMENTS) {
          if (!layers.some((layer) => lineageOf(layer.environment).includes(environment))) continue;
          expect([permission, environment, authority.allowsInEnvironment(permission, environment)]).toEqual([permission, environment, true]);
        }
      }
    }),
  );
});

it('shows an environment only to whoever has a grant in it, above it or below it', () => {
  fc.assert(
    fc.property(grants, (own) => {
      const { authority } = decided(own, undefined);
      for (const permission of PERMISSIONS) {
        for (const environment of ENVIRONMENTS) {
          const isReached = own.some((one) => [...ROLES[one.role], ...(one.reveal ? ['reveal'] : [])].includes(permission) && (below(one.environment).includes(environment) || below(environment).includes(one.environment)));
          expect([permission, environment, authority.allowsInEnvironment(permission, environment)]).toEqual([permission, environment, isReached]);
        }
      }
    }),
  );
});

it('allows throughout an area only what is allowed in each of its layers, also in those that are yet to come', () => {
  fc.assert(
    fc.property(grants, limits, fc.constantFrom(...PATTERNS), fc.constantFrom(...ENVIRONMENTS), (own, within, services, environment) => {
      const { authority, held } = decided(own, within);
      for (const permission of PERMISSIONS) {
        const isAllowed = authority.allowsThroughout(permission, { services, environment });
        const inEach = named(services).every((service) => below(environment).every((place) => held.has(key(permission, service, place))));
        if (isAllowed) expect([permission, inEach]).toEqual([permission, true]);
        // A name is one service: there is none to come.
        else if (!services.endsWith('*')) expect([permission, held.has(key(permission, services, environment))]).toEqual([permission, false]);
        if (isAllowed && services.endsWith('*')) expect(authority.allows(permission, { service: `${services.replace('*', '')}x9`, environment })).toBe(true);
        expect(authority.allowsEverywhere(permission)).toBe(authority.allowsThroughout(permission, { services: '*', environment: 'base' }));
      }
    }),
  );
});

it('allows nothing more by a limit, and nothing at all by a limit to elsewhere', () => {
  fc.assert(
    fc.property(grants, fc.array(grant, { minLength: 1, maxLength: 3 }), (own, within) => {
      const [free, limited] = [decided(own, undefined).authority, decided(own, within).authority];
      for (const permission of PERMISSIONS) {
        for (const layer of LAYERS) if (limited.allows(permission, layer)) expect(free.allows(permission, layer)).toBe(true);
      }
    }),
  );
});

it('takes no other spelling of a name for the name', () => {
  const spelling = fc.constantFrom('Orders', 'ORDERS', ' orders', 'orders ', 'orders\0', 'orders.', 'orders/', '/orders', 'orders%00', '%6frders', 'ｏrders', 'оrders', 'orders\u200b', 'orders\n', '*', 'orders*', '', '-orders', 'orders-', '__proto__');
  fc.assert(
    fc.property(grants, spelling, fc.constantFrom(...ENVIRONMENTS), (own, service, environment) => {
      const { authority } = decided([...own, { role: 'admin', services: '*', environment: 'base' }], undefined);
      expect(authority.allows('view', { service, environment })).toBe(false);
      expect(authority.allows('view', { service: 'orders', environment: service })).toBe(false);
      expect(authority.allowsSomewhere('view', service)).toBe(false);
    }),
  );
});

it('makes of what is allowed a condition that names the same layers', () => {
  fc.assert(
    fc.property(grants, limits, (own, within) => {
      const { authority } = decided(own, within);
      const set = layersWith(authority, 'view', below);
      const { sql, values } = set.condition({ service: 's', environment: 'e' }, 1);
      for (const layer of LAYERS) expect([layer, meant(sql, values, layer)]).toEqual([layer, set.has(layer)]);
    }),
  );
});

/** What Postgres would make of the few forms such a condition is made of. */
function meant(sql: string, values: readonly unknown[], { service, environment }: { readonly service: string; readonly environment: string }): boolean {
  const list = (number: string): readonly string[] => values[Number(number) - 1] as readonly string[];
  const script = sql
    .replace(/EXISTS \(SELECT FROM unnest\(\$(\d+)::text\[\]\) AS p \(prefix\) WHERE starts_with\(s, p\.prefix\)\)/g, (_whole, number: string) => String(list(number).some((prefix) => service.startsWith(prefix))))
    .replace(/\b([se]) = ANY \(\$(\d+)::text\[\]\)/g, (_whole, column: string, number: string) => String(list(number).includes(column === 's' ? service : environment)));
  const folded = script.replaceAll(' AND ', '&').replaceAll(' OR ', '|').replaceAll('true', '1').replaceAll('false', '0').replaceAll(' ', '');
  expect(folded).toMatch(/^[01&|()]+$/);
  return reduced(folded) === '1';
}

function reduced(text: string): string {
  const next = text.replace(/\(([01])\)/g, '$1').replace(/([01])&([01])/g, (_whole, a: string, b: string) => (a === '1' && b === '1' ? '1' : '0'));
  if (next !== text) return reduced(next);
  const after = text.replace(/(^|[(|])([01])\|([01])(?=[)|]|$)/, (_whole, before: string, a: string, b: string) => before + (a === '1' || b === '1' ? '1' : '0'));
  return after === text ? text : reduced(after);
}
