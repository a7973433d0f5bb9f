import fc from 'fast-check';
import type { Actor } from '../kernel/actor';
import { PERMISSIONS } from '../kernel/authority';
import { authorityOf } from './decide';
import { mayGrant, mayRevokeToken, maySeeToken, mayUseToken, type GivenGrant, type HeldToken } from './granting';
import { ROLES } from './roles';

const PARENTS: Readonly<Record<string, string>> = { production: 'base', 'production-eu': 'production', staging: 'base' };
const ENVIRONMENTS = ['base', ...Object.keys(PARENTS)];
const SERVICES = ['orders', 'orders-eu', 'orders-us', 'billing'];
const lineageOf = (environment: string): readonly string[] => {
  const parent = PARENTS[environment];
  return parent === undefined ? ['base'] : [...lineageOf(parent), environment];
};
const authority = (grants: readonly GivenGrant[], limits?: readonly GivenGrant[]) => authorityOf({ kind: 'token', id: 'id', name: 'name', grants, ...(limits && { limits }) }, lineageOf);

const sound = (grant: GivenGrant): GivenGrant => (grant.role === 'admin' ? { ...grant, services: '*', environment: 'base' } : grant);
const grants: fc.Arbitrary<GivenGrant> = fc
  .record({
    role: fc.constantFrom(...ROLES),
    services: fc.constantFrom('*', 'o*', 'orders*', 'orders-*', 'orders-e*', ...SERVICES),
    environment: fc.constantFrom(...ENVIRONMENTS),
    reveal: fc.boolean(),
  })
  .map(sound);

describe('given somebody who gives something', () => {
  it('nobody gives what they do not have, but for an administrator, who gives reveal', () => {
    fc.assert(
      fc.property(fc.array(grants, { maxLength: 4 }), fc.option(fc.array(grants, { maxLength: 2 }), { nil: undefined }), grants, (held, limits, given) => {
        const giver = authority(held, limits);
        if (!mayGrant(giver, given)) return;
        const taker = authority([given]);
        for (const service of SERVICES) {
          for (const environment of ENVIRONMENTS) {
            for (const permission of PERMISSIONS) {
              if (permission === 'reveal' && giver.allowsEverywhere('administer')) continue;
              if (taker.allows(permission, { service, environment })) expect([permission, giver.allows(permission, { service, environment })]).toEqual([permission, true]);
            }
          }
        }
      }),
      { numRuns: 2_000 },
    );
  });

  it('an owner gives every role but admin, and an administrator every one', () => {
    const area = { services: 'orders-*', environment: 'production' };
    const owner = authority([{ role: 'owner', ...area }]);
    const administrator = authority([{ role: 'admin', services: '*', environment: 'base' }]);
    for (const role of ROLES.filter((one) => one !== 'admin')) {
      expect([mayGrant(owner, { role, ...area }), mayGrant(owner, { role, ...area, reveal: true })]).toEqual([true, false]);
      expect(mayGrant(administrator, { role, ...area, reveal: true })).toBe(true);
    }
    expect(mayGrant(owner, { role: 'admin', services: '*', environment: 'base' })).toBe(false);
    expect(mayGrant(administrator, { role: 'admin', services: '*', environment: 'base' })).toBe(true);
    expect(mayGrant(authority([{ role: 'publisher', ...area }]), { role: 'viewer', ...area })).toBe(false);
  });
});

const actor = (held: readonly GivenGrant[], more: Partial<Actor> = {}): Actor => ({ kind: 'token', id: 'caller', name: 'caller', authority: authority(held), ...more });
const token = (held: readonly GivenGrant[], person: string | null = null): HeldToken => ({ id: 'other', person: person === null ? null : { id: person }, grants: held });
const may = (who: Actor, what: HeldToken): readonly boolean[] => [maySeeToken(who, what), mayUseToken(who, what), mayRevokeToken(who, what)];

describe('given tokens', () => {
  const owner: GivenGrant = { role: 'owner', services: 'orders', environment: 'production' };
  const viewer: GivenGrant = { ...owner, role: 'viewer' };
  const admin: GivenGrant = { role: 'admin', services: '*', environment: 'base' };
  const ada = { id: 'ada', name: 'Ada' };

  it.each<[string, Actor, HeldToken, readonly boolean[]]>([
    ['an owner, within', actor([owner]), token([viewer]), [true, true, true]],
    ['an owner, in part outside', actor([owner]), token([viewer, { ...viewer, services: 'billing' }]), [false, false, false]],
    ['an owner, what may be shown secrets', actor([owner]), token([{ ...viewer, reveal: true }]), [true, false, false]],
    ['an owner, one without anything', actor([owner]), token([]), [false, false, false]],
    ['a viewer', actor([viewer]), token([viewer]), [false, false, false]],
    ['an administrator', actor([admin]), token([admin]), [true, true, true]],
    ['an administrator, one without anything', actor([admin]), token([]), [true, true, true]],
    ['an administrator, a personal one', actor([admin]), token([], 'ada'), [true, false, true]],
    ['its person, signed in', actor([viewer], { kind: 'session', person: ada }), token([], 'ada'), [true, true, true]],
    ['its person, with another token', actor([viewer], { person: ada }), token([], 'ada'), [false, false, false]],
    ['another person', actor([owner], { kind: 'session', person: { id: 'bob', name: 'Bob' } }), token([viewer], 'ada'), [false, false, false]],
    ['itself', actor([viewer], { id: 'other' }), token([viewer]), [true, true, true]],
  ])('%s: sees it, may be given its secret, may end it', (_who, who, what, expected) => {
    expect(may(who, what)).toEqual(expected);
  });
});
