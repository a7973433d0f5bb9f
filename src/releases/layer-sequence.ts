import { DomainError } from '../kernel/domain-error';
import { layerKey, type LayerName } from '../kernel/names';
import type { Revision } from '../kernel/revision';
import type { Include } from './layer-entry';
import type { LayerView } from './layer-release';

/** A layer's place in an effective config. `asOf` is set when an include pins it. */
export interface SequencedLayer {
  readonly layer: LayerName;
  readonly key: string;
  readonly asOf?: Revision;
}

/** The view of the layers now, and as of any revision that an include may pin. */
export interface LayerViews {
  readonly head: LayerView;
  asOf(revision: Revision): LayerView;
}

/**
 * The layers that make up the effective config of a service in an environment, weakest first: for each included service
 * in order (its own includes first) its layers from the root down, then the service's own. Layers without a release are
 * listed too: they are what the config depends on. A service that is reached twice stays where it is weakest.
 *
 * @param lineage names of the environments from the root to the target's own
 * @throws DomainError `include_cycle`
 */
export async function layerSequence(
  target: LayerName,
  lineage: readonly string[],
  views: LayerViews,
): Promise<SequencedLayer[]> {
  const sequence = new Map<string, SequencedLayer>();

  const visit = async (service: string, asOf: Revision | undefined, chain: readonly string[]): Promise<void> => {
    if (chain.includes(service)) {
      const cycle = [...chain.slice(chain.indexOf(service)), service].join(' → ');
      throw new DomainError(
        'include_cycle',
        `In ${target.environment} the includes form a cycle: ${cycle}. Remove one of these includes.`,
        { extra: { environment: target.environment, cycle: [...chain, service] } },
      );
    }
    const view = asOf === undefined ? views.head : views.asOf(asOf);
    for (const include of await declaredIncludes(service, lineage, view)) {
      await visit(include.service, include.revision ?? asOf, [...chain, service]);
    }
    for (const environment of lineage) {
      const layer = { service, environment };
      const key = layerKey(layer);
      const place = asOf === undefined ? key : `${key}/${asOf}`;
      if (!sequence.has(place)) sequence.set(place, asOf === undefined ? { layer, key } : { layer, key, asOf });
    }
  };

  await visit(target.service, undefined, []);
  return [...sequence.values()];
}

/** The includes that hold in the last environment of the lineage: the nearest declaration, looking towards the root. */
async function declaredIncludes(service: string, lineage: readonly string[], view: LayerView): Promise<readonly Include[]> {
  for (let depth = lineage.length - 1; depth >= 0; depth -= 1) {
    const includes = await view.includes({ service, environment: lineage[depth]! });
    if (includes !== undefined) return includes;
  }
  return [];
}
