import { requireAllowed } from '../access/decide';
import type { Catalog } from '../catalog/catalog';
import type { Authority } from '../kernel/authority';
import { layerKey, type LayerName } from '../kernel/names';
import type { ContentStore } from '../releases/content-store';
import type { Include } from '../releases/layer-entry';
import type { LayerView } from '../releases/layer-release';
import type { LayerViews } from '../releases/layer-sequence';
import { sealedIn } from '../secrets/sealed-leaves';
import type { EntryEdit } from './entry-edit';
import { addedIncludes } from './require-includable';

/**
 * The secrets of what is included are delivered in clear text to the clients of whoever includes it. So whoever declares an
 * include must be allowed to be shown what it brings, in the environment of the declaration, above it, and below it, where
 * the include is inherited. What is included already may go on having secrets: its editors know who builds on them.
 *
 * @throws DomainError `forbidden`
 */
export async function requireRevealable(authority: Authority, edits: readonly EntryEdit[], views: LayerViews, catalog: Catalog, contents: ContentStore): Promise<void> {
  for (const { layer, include } of await addedIncludes(edits, views.head, catalog.knownLineageNames)) {
    const environments = [...catalog.lineage(layer.environment), ...catalog.descendants(layer.environment)].map(({ name }) => name);
    const view = include.revision === undefined ? views.head : views.asOf(include.revision);
    const layers = (await withIncluded(include, environments, view)).filter((brought) => brought.service !== layer.service);
    // Most who include something may not be shown secrets, and there are none.
    const hidden = layers.filter((brought) => !authority.allows('reveal', brought));
    requireAllowed(authority, 'reveal', await withSecrets(hidden, view, contents));
  }
}

/** The layers of a service, and of what it includes itself. */
async function withIncluded({ service }: Include, environments: readonly string[], view: LayerView): Promise<LayerName[]> {
  const layers = new Map<string, LayerName>();
  const services = [service];
  for (const name of services) {
    for (const environment of environments) {
      const layer = { service: name, environment };
      layers.set(layerKey(layer), layer);
      for (const include of (await view.includes(layer)) ?? []) if (!services.includes(include.service)) services.push(include.service);
    }
  }
  return [...layers.values()];
}

async function withSecrets(layers: readonly LayerName[], view: LayerView, contents: ContentStore): Promise<LayerName[]> {
  const releases = await view.releases(layers);
  const found: LayerName[] = [];
  for (const [index, layer] of layers.entries()) {
    const documents = [...(releases[index]?.entries.values() ?? [])].filter(({ kind }) => kind === 'document');
    if ((await contents.parsed(documents)).some((document) => sealedIn(document).length > 0)) found.push(layer);
  }
  return found;
}
