import { DomainError } from '../kernel/domain-error';
import { ANY_SERVICE, type Credential } from './credential';

/** What is to be read: a service, and its environment as the path from the root of the tree to it. */
export interface ReadTarget {
  readonly service: string;
  readonly environmentLineage: readonly string[];
}

/**
 * The one place that says who may do what. People, roles and approvals come in here: routes say what they need, and
 * nobody else asks who the caller is.
 */
export function decide(credential: Credential, need: 'admin' | 'read', target: ReadTarget | undefined): void {
  if (credential.kind === 'token') return;
  if (need === 'admin') {
    throw new DomainError('forbidden', 'This needs an administrator token; the request came with a client key, which can only read configuration.');
  }
  if (target === undefined || !mayRead(credential, target.service, target.environmentLineage)) {
    throw new DomainError('forbidden', `The client key reads ${scopeOf(credential)}, and nothing else.`);
  }
}

/** Whether the configuration of `service` in the environment at the end of the lineage (root first) can be read. */
export function mayRead(credential: Credential, service: string, environmentLineage: readonly string[]): boolean {
  if (credential.kind === 'token') return true;
  const { service: boundService, environment } = credential;
  return environment !== undefined && environmentLineage.includes(environment) && (boundService === ANY_SERVICE || boundService === service);
}

function scopeOf({ service, environment }: Credential): string {
  return `${service === ANY_SERVICE ? 'every service' : `the service ${service}`} in ${environment} and the environments below it`;
}
