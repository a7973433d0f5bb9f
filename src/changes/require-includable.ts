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
  const added = await addedIncludes(edits, head, lineageOf);
  requireAllowed(authority, 'view', added.map(({ layer, include }) => ({ service: include.service, environment: layer.environment })));
}

/** What the edits include that is not included yet, or not at that revision. */
export async function addedIncludes(edits: readonly EntryEdit[], head: LayerView, lineageOf: (environment: string) => readonly string[]): Promise<{ readonly layer: LayerName; readonly include: Include }[]> {
  const found: { readonly layer: LayerName; readonly include: Include }[] = [];
  for (const { layer, kind, next } of edits) {
    if (kind !== 'includes' || next === null) continue;
    const present = await includesInForce(layer, lineageOf(layer.environment), head);
    const added = parseIncludes(next.source).filter(({ service, revision }) => !present.some((include) => include.service === service && include.revision === revision));
    // A service that includes itself is a cycle, which is another fault.
    for (const include of added) if (include.service !== layer.service) found.push({ layer, include });
  }
  return found;
}

/** The nearest declaration, looking towards the root. */
async function includesInForce({ service }: LayerName, lineage: readonly string[], head: LayerView): Promise<readonly Include[]> {
  for (const environment of lineage.toReversed()) {
    const includes = await head.includes({ service, environment });
    if (includes !== undefined) return includes;
  }
  return [];
}
