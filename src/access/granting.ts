import type { Actor } from '../kernel/actor';
import type { Authority } from '../kernel/authority';
import { DomainError } from '../kernel/domain-error';
import { ROOT_ENVIRONMENT } from '../kernel/names';
import { ANY_SERVICE } from './credential';
import { forbidden } from './decide';
import type { Grant } from './grant';
import { PERMISSIONS_OF, type Role } from './roles';

/** A grant as somebody gives it. */
export interface GivenGrant extends Grant {
  readonly role: Role;
}

/**
 * Whether somebody may give this grant, and take it away: nobody gives more than they have, where they have it. What an
 * administrator does not have, secrets in clear text, they may give all the same: somebody has to be the first.
 */
export function mayGrant(authority: Authority, { role, services, environment, reveal = false }: GivenGrant): boolean {
  const area = { services, environment };
  const isAdministrator = authority.allowsEverywhere('administer');
  if (role === 'admin' && !isAdministrator) return false;
  if (reveal && !isAdministrator && !authority.allowsThroughout('reveal', area)) return false;
  return ['grant' as const, ...PERMISSIONS_OF[role]].every((permission) => authority.allowsThroughout(permission, area));
}

/** @throws DomainError `forbidden`; the same whether or not what the grant names exists */
export function requireMayGrant(authority: Authority, grant: GivenGrant): void {
  if (mayGrant(authority, grant)) return;
  const { role, services, environment, reveal } = grant;
  const what = `the role ${role}${reveal === true ? ' with reveal' : ''}, which no one gives without having as much there themselves,`;
  throw forbidden('grant', `${what} on ${services} in ${environment} and below`);
}

/** @param pointer of the grant in the request */
export function requireSound({ role, services, environment }: GivenGrant, pointer: string): void {
  if (role !== 'admin' || (services === ANY_SERVICE && environment === ROOT_ENVIRONMENT)) return;
  throw new DomainError('malformed_request', `The role admin is for everything: services '${ANY_SERVICE}' in ${ROOT_ENVIRONMENT}. In a part of it, owner is the most there is.`, { pointer: `${pointer}/role` });
}

/** A token, as far as who may see and change it depends on it. */
export interface HeldToken {
  readonly id: string;
  /** Personal tokens: whose. */
  readonly person: { readonly id: string } | null;
  /** Personal tokens: what it is limited to. */
  readonly grants: readonly GivenGrant[];
}

/**
 * A personal token belongs to its person alone, who deals with it when signed in: with one that is limited nobody shall
 * get hold of one that is not. A service token belongs to whoever may grant wherever it has anything.
 */
export function maySeeToken(actor: Actor, { id, person, grants }: HeldToken): boolean {
  const { authority } = actor;
  if (id === actor.id || authority.allowsEverywhere('administer')) return true;
  if (person !== null) return isOwner(actor, person);
  return grants.length > 0 && grants.every((grant) => authority.allowsThroughout('grant', grant));
}

/** Whether they may end it. */
export function mayRevokeToken(actor: Actor, token: HeldToken): boolean {
  return mayUseToken(actor, token) || (token.person !== null && actor.authority.allowsEverywhere('administer'));
}

/** Whether they may be given a secret of it, and so everything it may do: by rotating it, or by adding to its grants. */
export function mayUseToken(actor: Actor, { id, person, grants }: HeldToken): boolean {
  if (id === actor.id) return true;
  if (person !== null) return isOwner(actor, person);
  const { authority } = actor;
  return grants.length === 0 ? authority.allowsEverywhere('administer') : grants.every((grant) => mayGrant(authority, grant));
}

function isOwner({ kind, person: self }: Actor, person: { readonly id: string }): boolean {
  return kind === 'session' && self?.id === person.id;
}
