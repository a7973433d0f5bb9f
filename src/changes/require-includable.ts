import { requireAllowed } from '../access/decide';
import type { Authority } from '../kernel/authority';
import type { LayerName } from '../kernel/names';
import { parseIncludes, type Include } from '../releases/layer-entry';
import type { LayerView } from '../releases/layer-release';
import type { EntryEdit } from './entry-edit';

/**
 * To include a service is to read it: whoever declares an include must be allowed to view there what is included. What the
 * layer includes already, and at the same revision, was somebody else's decision, and may stay.
 *
 * @param lineageOf names of the environments from the root to one
 * @throws DomainError `forbidden`, whether or not there is such a service
 */
export async function requireIncludable(authority: Authority, edits: readonly EntryEdit[], head: LayerView, lineageOf: (environment: string) => readonly string[]): Promise<void> {
  for (const { layer, kind, next } of edits) {
    if (kind !== 'includes' || next === null) continue;
    const present = await includesInForce(layer, lineageOf(layer.environment), head);
    const added = parseIncludes(next.source).filter(({ service, revision }) => !present.some((include) => include.service === service && include.revision === revision));
    // A service that includes itself is a cycle, which is another fault.
    const others = added.filter(({ service }) => service !== layer.service);
    requireAllowed(authority, 'view', others.map(({ service }) => ({ service, environment: layer.environment })));
  }
}

/** The nearest declaration, looking towards the root. */
async function includesInForce({ service }: LayerName, lineage: readonly string[], head: LayerView): Promise<readonly Include[]> {
  for (const environment of lineage.toReversed()) {
    const includes = await head.includes({ service, environment });
    if (includes !== undefined) return includes;
  }
  return [];
}
