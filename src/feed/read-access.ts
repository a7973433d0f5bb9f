import type { Authenticator } from '../access/authenticator';
import type { Authorities } from '../access/authorities';
import type { Credential } from '../access/credential';
import { forbidden } from '../access/decide';
import type { RateLimits } from '../http/rate-limit/rate-limits';
import { DomainError } from '../kernel/domain-error';
import { layerKey, type LayerName } from '../kernel/names';
import type { ReadTarget } from '../snapshots/delivered-snapshots';
import { deliveredTo } from './target';

/** Lets clients read what their credential covers, and no more often than leaves room for others. */
export class ReadAccess {
  constructor(
    private readonly authenticator: Pick<Authenticator, 'authenticate' | 'peek'>,
    private readonly authorities: Authorities,
    private readonly limits: Pick<RateLimits, 'reads' | 'admitRead'>,
  ) {}

  /** Whether the bearer's credential is remembered: then it costs nothing to find out more. */
  knows(bearer: string | undefined): boolean {
    return this.authenticator.peek(bearer) !== undefined;
  }

  /** Without waiting: what is delivered to the bearer. Undefined when it is nothing, or not known here: {@link admit} says which. */
  peek(bearer: string | undefined, target: LayerName): ReadTarget | undefined {
    const credential = this.authenticator.peek(bearer);
    if (credential === undefined || !this.allows(credential, target) || this.limits.reads.take(credential.id) > 0) return undefined;
    return deliveredTo(credential, target);
  }

  async admit(bearer: string | undefined, target: LayerName): Promise<Credential> {
    const credential = await this.authenticator.authenticate(bearer);
    this.limits.admitRead(credential.id);
    await this.authorities.learn(target.environment);
    if (this.allows(credential, target)) return credential;
    if (credential.kind !== 'client-key') throw forbidden('read', `on ${layerKey(target)}`);
    const { service, environment } = credential;
    throw new DomainError('forbidden', `The client key reads ${service === '*' ? 'every service' : `the service ${service}`} in ${environment} and the environments below it, and nothing else.`);
  }

  /** Whether it still does: its grants may have become fewer. */
  allows(credential: Credential, target: LayerName): boolean {
    return this.authorities.of(credential).allows('read', target);
  }
}
