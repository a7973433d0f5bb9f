import type { Authenticator } from '../access/authenticator';
import type { Credential } from '../access/credential';
import { decide, mayRead } from '../access/decide';
import type { LayerName } from '../kernel/names';

/** Lets clients read what their credential covers. */
export class ReadAccess {
  /** An environment keeps its parent for ever, so a lineage once read stays true. */
  private readonly lineages = new Map<string, readonly string[]>();

  constructor(
    private readonly authenticator: Pick<Authenticator, 'authenticate' | 'peek'>,
    private readonly readLineage: (environment: string) => Promise<readonly string[]>,
  ) {}

  /** Without waiting. False when it is not so, or not known here: {@link admit} says which. */
  peek(bearer: string | undefined, { service, environment }: LayerName): boolean {
    const credential = this.authenticator.peek(bearer);
    if (credential === undefined || credential.kind === 'token') return credential !== undefined;
    const lineage = this.lineages.get(environment);
    return lineage !== undefined && mayRead(credential, service, lineage);
  }

  async admit(bearer: string | undefined, target: LayerName): Promise<Credential> {
    const credential = await this.authenticator.authenticate(bearer);
    if (credential.kind === 'client-key') {
      decide(credential, 'read', { service: target.service, environmentLineage: await this.lineageOf(target.environment) });
    }
    return credential;
  }

  private async lineageOf(environment: string): Promise<readonly string[]> {
    const known = this.lineages.get(environment);
    if (known !== undefined) return known;
    const lineage = await this.readLineage(environment);
    if (lineage.length > 0) this.lineages.set(environment, lineage);
    return lineage;
  }
}
