import type { Credential } from './credential';
import { decide, mayRead } from './decide';

const token: Credential = { kind: 'token', id: 't', name: 'admin' };
const key: Credential = { kind: 'client-key', id: 'k', name: 'orders', service: 'orders', environment: 'production' };
const anyKey: Credential = { ...key, service: '*' };
const below = ['base', 'production', 'production-eu'];

describe('given a client key', () => {
  it('reads its service in its environment and below, and nothing else', () => {
    expect(mayRead(key, 'orders', ['base', 'production'])).toBe(true);
    expect(mayRead(key, 'orders', below)).toBe(true);
    expect(mayRead(key, 'payments', below)).toBe(false);
    expect(mayRead(key, 'orders', ['base'])).toBe(false);
    expect(mayRead(key, 'orders', ['base', 'staging'])).toBe(false);
    expect(mayRead(key, 'orders', [])).toBe(false);
  });

  it('reads every service when it is bound to *', () => {
    expect(mayRead(anyKey, 'payments', below)).toBe(true);
    expect(mayRead(anyKey, 'payments', ['base'])).toBe(false);
  });

  it('is refused what needs an administrator, and what has no target', () => {
    const target = { service: 'orders', environmentLineage: below };
    expect(() => decide(key, 'read', target)).not.toThrow();
    expect(() => decide(key, 'admin', target)).toThrow(expect.objectContaining({ code: 'forbidden' }));
    expect(() => decide(anyKey, 'read', undefined)).toThrow(expect.objectContaining({ code: 'forbidden' }));
  });
});

describe('given an administrator token', () => {
  it('may do everything', () => {
    expect(() => decide(token, 'admin', undefined)).not.toThrow();
    expect(mayRead(token, 'anything', [])).toBe(true);
  });
});
