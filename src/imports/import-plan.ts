import type { EntryEdit } from '../changes/entry-edit';
import { DEFAULT_DOCUMENT, layerKey, ROOT_ENVIRONMENT, type LayerName } from '../kernel/names';
import { entryKey, hashOf, includesSource, INCLUDES_NAME, JSON_SOURCE, sameEntry, type LayerEntry } from '../releases/layer-entry';
import { INCLUDES_KEY, type LayerRelease, type LayerView } from '../releases/layer-release';
import type { Repository } from './read-repository';

const DOCUMENT_KEY = entryKey({ kind: 'document', name: DEFAULT_DOCUMENT });

export interface ImportPlan {
  /** Only what really changes; nothing when the layers already are as the repository says. */
  readonly edits: readonly EntryEdit[];
  /** Layers with a document that the repository does not have: it was removed there, or never was. */
  readonly leftover: readonly LayerName[];
}

export interface PlanOptions {
  readonly commonService: string;
  readonly prune: boolean;
  /** All that exist. */
  readonly environments: readonly string[];
  /** What is not viewed is neither left over nor pruned. */
  isViewed(layer: LayerName): boolean;
}

/** What has to change for the layers to be as the repository says, given the layers of now. */
export async function planImport(repository: Repository, { commonService, prune, environments, isViewed }: PlanOptions, head: LayerView): Promise<ImportPlan> {
  const wanted = new Map(repository.documents.map((document) => [layerKey(document.layer), document]));
  const layers = repository.services.flatMap((service) => environments.map((environment) => ({ service, environment })));
  const releases = await head.releases(layers);
  const edits: EntryEdit[] = [];
  const leftover: LayerName[] = [];
  for (const [index, layer] of layers.entries()) {
    const release = releases[index];
    const document = wanted.get(layerKey(layer));
    if (document) edits.push(...documentEdit(layer, release, document));
    else if (release?.entries.has(DOCUMENT_KEY) && isViewed(layer)) {
      leftover.push(layer);
      if (prune) edits.push(editOf(layer, release, 'document', DEFAULT_DOCUMENT, null));
    }
    if (layer.environment === ROOT_ENVIRONMENT && layer.service !== commonService && repository.services.includes(commonService)) {
      edits.push(...(await includesEdit(layer, release, commonService, head)));
    }
  }
  return { edits, leftover };
}

function documentEdit(layer: LayerName, release: LayerRelease | undefined, { type, source }: NonNullable<EntryEdit['next']>): EntryEdit[] {
  const next: LayerEntry = { kind: 'document', name: DEFAULT_DOCUMENT, type, hash: hashOf(source) };
  if (sameEntry(release?.entries.get(DOCUMENT_KEY), next)) return [];
  return [editOf(layer, release, 'document', DEFAULT_DOCUMENT, { type, source })];
}

/** The common service goes first, where it is weakest. Includes that name it already are somebody's decision: they stay. */
async function includesEdit(layer: LayerName, release: LayerRelease | undefined, common: string, head: LayerView): Promise<EntryEdit[]> {
  const declared = (await head.includes(layer)) ?? [];
  if (declared.some(({ service }) => service === common)) return [];
  const next = { type: JSON_SOURCE, source: includesSource([{ service: common }, ...declared]) };
  return [editOf(layer, release, 'includes', INCLUDES_NAME, next)];
}

function editOf(layer: LayerName, release: LayerRelease | undefined, kind: EntryEdit['kind'], name: string, next: EntryEdit['next']): EntryEdit {
  const entry = release?.entries.get(kind === 'includes' ? INCLUDES_KEY : entryKey({ kind, name }));
  return { layer, kind, name, next, base: { version: release?.version ?? 0, entry } };
}
