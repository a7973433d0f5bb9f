import { Inject, Injectable } from '@nestjs/common';
import type { Authority } from '../kernel/authority';
import type { Credential } from './credential';
import { LINEAGES, type Lineages } from './credential-store';
import { authorityOf } from './decide';

/** What each credential allows, worked out once: a credential never changes, another one takes its place. */
@Injectable()
export class Authorities {
  private readonly known = new WeakMap<Credential, Authority>();

  constructor(@Inject(LINEAGES) private readonly lineages: Lineages) {}

  of(credential: Credential): Authority {
    const known = this.known.get(credential);
    if (known !== undefined) return known;
    const authority = authorityOf(credential, this.lineages.of);
    // What limits leave of grants depends on how their environments hang together: one that is not known yet will be.
    const places = [...(credential.grants ?? []), ...(credential.limits ?? [])];
    if (credential.limits === undefined || places.every(({ environment }) => this.lineages.of(environment).length > 0)) this.known.set(credential, authority);
    return authority;
  }

  /** So that an environment that was only just created elsewhere is known to what is asked next. Answers its lineage. */
  learn(environment: string): Promise<readonly string[]> {
    return this.lineages.read(environment);
  }
}
