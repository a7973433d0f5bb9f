import type { Permission } from '../kernel/authority';
import type { Credential } from './credential';
import { authorityOf, requireAllowed } from './decide';
import type { Grant } from './grant';

const PARENTS: Readonly<Record<string, string>> = { production: 'base', 'production-eu': 'production', staging: 'base' };
const lineageOf = (environment: string): readonly string[] => {
  if (environment === 'base') return ['base'];
  const parent = PARENTS[environment];
  return parent === undefined ? [] : [...lineageOf(parent), environment];
};
const key: Credential = { kind: 'client-key', id: 'k', name: 'orders', service: 'orders', environment: 'production' };
const token = (grants: readonly Grant[], limits?: readonly Grant[]): Credential => ({ kind: 'token', id: 't', name: 't', grants, ...(limits === undefined ? {} : { limits }) });
const authority = (credential: Credential) => authorityOf(credential, lineageOf);
const may = (credential: Credential, permission: Permission, service: string, environment: string): boolean => authority(credential).allows(permission, { service, environment });

describe('given a client key', () => {
  it('reads its service in its environment and below, and nothing else', () => {
    expect(may(key, 'read', 'orders', 'production')).toBe(true);
    expect(may(key, 'read', 'orders', 'production-eu')).toBe(true);
    expect(may(key, 'read', 'payments', 'production-eu')).toBe(false);
    expect(may(key, 'read', 'orders', 'base')).toBe(false);
    expect(may(key, 'read', 'orders', 'staging')).toBe(false);
    expect(may(key, 'read', 'orders', 'nowhere')).toBe(false);
    expect(may(key, 'view', 'orders', 'production')).toBe(false);
  });

  it('reads every service when it is bound to *', () => {
    const any = { ...key, service: '*' };
    expect(may(any, 'read', 'payments', 'production-eu')).toBe(true);
    expect(may(any, 'read', 'payments', 'base')).toBe(false);
  });
});

describe('given grants', () => {
  const editor = token([{ role: 'editor', services: 'orders-*', environment: 'production' }]);

  it('allows what the role says, on the services of the pattern, from the environment down', () => {
    expect(may(editor, 'edit', 'orders-eu', 'production-eu')).toBe(true);
    expect(may(editor, 'view', 'orders-eu', 'production')).toBe(true);
    expect(may(editor, 'publish', 'orders-eu', 'production')).toBe(false);
    expect(may(editor, 'edit', 'orders', 'production')).toBe(false);
    expect(may(editor, 'edit', 'orders-eu', 'base')).toBe(false);
  });

  it('allows nothing on a name in another spelling', () => {
    for (const service of ['Orders-eu', 'orders-eu ', 'orders-', 'orders-eu/', 'orders-%65u', '*', '']) expect(may(editor, 'view', service, 'production')).toBe(false);
  });

  it('says where anything can be done at all', () => {
    expect(authority(editor).allowsSomewhere('edit')).toBe(true);
    expect(authority(editor).allowsSomewhere('edit', 'orders-eu')).toBe(true);
    expect(authority(editor).allowsSomewhere('edit', 'billing')).toBe(false);
    expect(authority(editor).allowsEverywhere('view')).toBe(false);
    expect(authority(editor).allowsInEnvironment('view', 'base')).toBe(true);
    expect(authority(editor).allowsInEnvironment('view', 'staging')).toBe(false);
    expect(authority(editor).allowsThroughout('edit', { services: 'orders-e*', environment: 'production-eu' })).toBe(true);
    expect(authority(editor).allowsThroughout('edit', { services: 'order*', environment: 'production' })).toBe(false);
  });

  it('reveals only where a grant says so, also to an administrator', () => {
    const admin: Grant = { role: 'admin', services: '*', environment: 'base' };
    expect(may(token([admin]), 'administer', 'anything', 'nowhere')).toBe(true);
    expect(may(token([admin]), 'reveal', 'orders', 'production')).toBe(false);
    expect(may(token([admin, { role: 'viewer', services: 'orders', environment: 'production', reveal: true }]), 'reveal', 'orders', 'production')).toBe(true);
  });

  it('allows a personal token with grants of its own only what both allow', () => {
    const personal = token(
      [{ role: 'publisher', services: 'orders-*', environment: 'base' }],
      [{ role: 'owner', services: '*', environment: 'production' }, { role: 'viewer', services: 'orders-eu', environment: 'base' }],
    );
    expect(may(personal, 'publish', 'orders-eu', 'production-eu')).toBe(true);
    expect(may(personal, 'grant', 'orders-eu', 'production')).toBe(false);
    expect(may(personal, 'publish', 'orders-eu', 'staging')).toBe(false);
    expect(may(personal, 'view', 'orders-eu', 'staging')).toBe(true);
    expect(may(personal, 'view', 'orders-us', 'staging')).toBe(false);
    expect(may(personal, 'view', 'billing', 'production')).toBe(false);
  });

  it('refuses as soon as one of several layers is not allowed', () => {
    const layer = { service: 'orders-eu', environment: 'production' };
    expect(() => requireAllowed(authority(editor), 'edit', [layer])).not.toThrow();
    expect(() => requireAllowed(authority(editor), 'edit', [layer, { ...layer, environment: 'staging' }])).toThrow(expect.objectContaining({ code: 'forbidden' }));
  });
});
