import type { KeyChange } from '../documents/diff-values';
import type { LayerName } from '../kernel/names';

export interface DocumentImpact {
  readonly name: string;
  readonly changes: readonly KeyChange[];
}

/** What one effective config would become. */
export interface ConfigImpact extends LayerName {
  /** Instances connected to this replica right now that would receive it. */
  readonly instances: number;
  readonly documents: readonly DocumentImpact[];
}

/** Exact totals of an impact that is listed in part. */
export interface ImpactTotals {
  readonly configs: number;
  readonly services: number;
  readonly instances: number;
}

/** Nobody reads more; counted and checked is every config, however many there are. */
const MAX_LISTED_CONFIGS = 500;
const MAX_LISTED_KEYS = 20_000;

/** The configs that change, in the order they come, key by key as far as that is of use to a reader. */
export class ImpactListing {
  readonly configs: ConfigImpact[] = [];
  private readonly services = new Set<string>();
  private counted = 0;
  private instances = 0;
  private keys = 0;

  /** Whether the next config will be listed key by key. */
  get isOpen(): boolean {
    return this.configs.length < MAX_LISTED_CONFIGS && this.keys < MAX_LISTED_KEYS;
  }

  /** Absent when everything is listed. */
  get truncated(): ImpactTotals | undefined {
    if (this.counted === this.configs.length) return undefined;
    return { configs: this.counted, services: this.services.size, instances: this.instances };
  }

  /** @param documents absent when the config was not compared key by key */
  add({ service, environment }: LayerName, instances: number, documents: readonly DocumentImpact[] | undefined): void {
    this.counted += 1;
    this.instances += instances;
    this.services.add(service);
    if (!documents || !this.isOpen) return;
    this.configs.push({ service, environment, instances, documents });
    for (const { changes } of documents) this.keys += changes.length;
  }
}
