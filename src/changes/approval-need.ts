import type { Catalog } from '../catalog/catalog';
import { layerKey, type LayerName } from '../kernel/names';

/** A config of a protected environment that a proposal would change. */
export interface ReachedConfig extends LayerName {
  readonly requiredApprovals: number;
}

/** What a proposal needs because of what it would change. */
export interface ApprovalNeed {
  /** As many as the strictest of the environments that are reached asks for; 0 when none is protected. */
  readonly needed: number;
  readonly reached: readonly ReachedConfig[];
}

export const NO_APPROVALS: ApprovalNeed = { needed: 0, reached: [] };

/**
 * Collects what of the protected environments a proposal reaches: layers it writes there, and configs there that become
 * others because of what it writes elsewhere. Only both together close the environment: what is inherited and included
 * comes in as well as what is written.
 */
export class ApprovalNeeds {
  private readonly reached = new Map<string, ReachedConfig>();

  constructor(private readonly catalog: Catalog) {}

  add({ service, environment }: LayerName): void {
    const requiredApprovals = this.catalog.requiredApprovals(environment);
    if (requiredApprovals > 0) this.reached.set(layerKey({ service, environment }), { service, environment, requiredApprovals });
  }

  get need(): ApprovalNeed {
    const reached = [...this.reached.values()];
    return { needed: Math.max(0, ...reached.map(({ requiredApprovals }) => requiredApprovals)), reached };
  }
}
