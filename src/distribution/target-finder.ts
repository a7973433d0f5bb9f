import { setImmediate as nextTurn } from 'node:timers/promises';
import { Catalog } from '../catalog/catalog';
import { layerKey, type LayerName } from '../kernel/names';
import type { Revision } from '../kernel/revision';
import { HeadIndex } from '../releases/head-index';
import { layerSequence, type LayerViews } from '../releases/layer-sequence';

/** So many targets are looked at before other work is let through. */
const SLICE = 200;

/** Says which effective configs there are, and how new each is, from what is in memory. */
export class TargetFinder {
  private readonly views: LayerViews = {
    head: { releases: (layers) => Promise.resolve(layers.map(() => undefined)), includes: (layer) => Promise.resolve(this.heads.includes(layer)) },
    asOf: () => ({ releases: (layers) => Promise.resolve(layers.map(() => undefined)), includes: () => Promise.resolve(undefined) }),
  };

  constructor(
    private readonly catalog: Catalog,
    private readonly heads: HeadIndex,
  ) {}

  /** Everything that could have changed with these layers, and everything of these services. */
  async dependents(layers: readonly LayerName[], services: readonly string[]): Promise<Map<string, LayerName>> {
    const found = this.all(services);
    for (const { service, environment } of layers) {
      // Also one that another replica has created only just now.
      await this.catalog.environment(environment);
      const environments = this.catalog.descendants(environment);
      for (const dependent of this.heads.dependentServices([service])) {
        for (const { name } of environments) found.set(`${dependent}@${name}`, { service: dependent, environment: name });
      }
    }
    return found;
  }

  all(services: readonly string[] = this.catalog.services().map(({ name }) => name)): Map<string, LayerName> {
    const found = new Map<string, LayerName>();
    for (const { name: environment } of this.catalog.environments()) {
      for (const service of services) found.set(`${service}@${environment}`, { service, environment });
    }
    return found;
  }

  /** Those of the targets that are newer than `known` says. */
  async newer(targets: Iterable<LayerName>, known: (target: LayerName) => Revision): Promise<LayerName[]> {
    const found: LayerName[] = [];
    let count = 0;
    for (const target of targets) {
      // What cannot be said of one target (its includes are at odds) says so again, and whole, when it is resolved.
      if ((await this.revisionOf(target).catch(() => Infinity)) > known(target)) found.push(target);
      count += 1;
      if (count % SLICE === 0) await nextTurn();
    }
    return found;
  }

  /**
   * The revision that the target's snapshot has: that of the newest layer it is made of. Pinned layers need not be looked
   * at: whoever pins them was published after them.
   */
  private async revisionOf(target: LayerName): Promise<Revision> {
    const lineage = this.catalog.lineage(target.environment).map(({ name }) => name);
    const sequence = await layerSequence(target, lineage, this.views);
    return sequence.reduce((newest, { layer, asOf }) => (asOf === undefined ? Math.max(newest, this.heads.revisionOf(layerKey(layer))) : newest), 0);
  }
}
