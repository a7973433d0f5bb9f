import type { JsonValue } from '@trimtab/client/protocol';
import type { Format } from '../documents/document-type';
import { mergeAll } from '../documents/merge-documents';
import type { ParsedDocument } from '../documents/parse-document';
import { serializeValue } from '../documents/serialize-document';
import type { LayerName } from '../kernel/names';
import type { Revision } from '../kernel/revision';
import type { ContentStore, Contents } from './content-store';
import { entryKey, sameEntry, type LayerEntry } from './layer-entry';
import type { LayerRelease } from './layer-release';
import { layerSequence, type LayerViews, type SequencedLayer } from './layer-sequence';

/** One layer's contribution to a document. */
export interface DocumentPart {
  readonly release: LayerRelease;
  readonly entry: LayerEntry;
}

/** A document of an effective config before its contents are read: which layers' entries it is merged from. */
export interface EffectiveDocument {
  readonly name: string;
  /** Weakest first, never empty. */
  readonly parts: readonly DocumentPart[];
  /** The strongest schema attached to this name. */
  readonly schema: DocumentPart | undefined;
}

/** What an instance of a service in an environment would receive, by reference; {@link contentOf} reads it. */
export interface EffectiveConfig {
  readonly target: LayerName;
  /** Newest revision among the releases that contribute; 0 when none does. The same on every replica. */
  readonly revision: Revision;
  /** Releases that contribute, weakest first. */
  readonly releases: readonly LayerRelease[];
  /** By name, sorted. */
  readonly documents: ReadonlyMap<string, EffectiveDocument>;
  /** Keys of every layer, with or without a release, whose next release could change this. Pinned layers cannot. */
  readonly dependsOn: ReadonlySet<string>;
}

/** A document of an effective config with its content. */
export interface EffectiveContent {
  readonly format: Format;
  /** The merged value; of a text document its text. */
  readonly value: JsonValue;
  /** In the order of {@link EffectiveDocument.parts}. */
  readonly parts: readonly ParsedDocument[];
  /** As written when one layer alone defines it, else the merged value in the format of the strongest layer. */
  source(): string;
}

export async function resolveEffective(
  target: LayerName,
  lineage: readonly string[],
  views: LayerViews,
): Promise<EffectiveConfig> {
  const sequence = await layerSequence(target, lineage, views);
  const releases = (await releasesIn(sequence, views)).filter((release) => release !== undefined);
  const documents = new Map<string, DocumentPart[]>();
  const schemas = new Map<string, DocumentPart>();
  for (const release of releases) {
    for (const entry of release.entries.values()) {
      const part = { release, entry };
      if (entry.kind === 'schema') schemas.set(entry.name, part);
      if (entry.kind === 'document') documents.set(entry.name, stack(documents.get(entry.name), part));
    }
  }
  const names = [...documents.keys()].sort();
  return {
    target,
    revision: releases.reduce((highest, release) => Math.max(highest, release.revision), 0),
    releases,
    documents: new Map(names.map((name) => [name, { name, parts: documents.get(name)!, schema: schemas.get(name) }])),
    dependsOn: new Set(sequence.filter(({ asOf }) => asOf === undefined).map(({ key }) => key)),
  };
}

/** One document of the config that these releases, weakest first, make up: for a caller who needs no other. */
export function documentIn(name: string, releases: readonly (LayerRelease | undefined)[]): EffectiveDocument | undefined {
  const [documentKey, schemaKey] = [entryKey({ kind: 'document', name }), entryKey({ kind: 'schema', name })];
  let parts: DocumentPart[] | undefined;
  let schema: DocumentPart | undefined;
  for (const release of releases) {
    const entry = release?.entries.get(documentKey);
    const attached = release?.entries.get(schemaKey);
    if (entry) parts = stack(parts, { release: release!, entry });
    if (attached) schema = { release: release!, entry: attached };
  }
  return parts && { name, parts, schema };
}

/** Whether two documents are made of the same entries, so that their contents need not be compared. */
export function sameDocument(a: EffectiveDocument | undefined, b: EffectiveDocument | undefined): boolean {
  if (!a || !b) return a === b;
  return (
    a.parts.length === b.parts.length &&
    a.parts.every((part, index) => sameEntry(part.entry, b.parts[index]!.entry)) &&
    sameEntry(a.schema?.entry, b.schema?.entry)
  );
}

export async function contentOf(
  document: EffectiveDocument,
  store: ContentStore,
  contents: Contents = store,
): Promise<EffectiveContent> {
  const parts = await store.parsed(
    document.parts.map(({ entry }) => entry),
    contents,
  );
  const strongest = parts[parts.length - 1]!;
  const { format } = strongest.type;
  const value = parts.length === 1 ? strongest.value : mergeAll(parts.map((part) => part.value));
  return {
    format,
    value,
    parts,
    source: () => (parts.length === 1 ? strongest.source : serializeValue(value, format)),
  };
}

/** The releases of a sequence, in its order; `undefined` where a layer has none. */
export async function releasesIn(sequence: readonly SequencedLayer[], views: LayerViews): Promise<(LayerRelease | undefined)[]> {
  const indices = new Map<Revision | undefined, number[]>();
  for (const [index, { asOf }] of sequence.entries()) {
    const alike = indices.get(asOf);
    if (alike) alike.push(index);
    else indices.set(asOf, [index]);
  }
  const found = new Array<LayerRelease | undefined>(sequence.length);
  for (const [asOf, alike] of indices) {
    const view = asOf === undefined ? views.head : views.asOf(asOf);
    const releases = await view.releases(alike.map((index) => sequence[index]!.layer));
    alike.forEach((index, position) => (found[index] = releases[position]));
  }
  return found;
}

/** Structured values merge with structured ones; a text, below or above, is replaced whole. */
function stack(weaker: DocumentPart[] | undefined, part: DocumentPart): DocumentPart[] {
  const below = weaker?.at(-1);
  const merges = below && below.entry.type.format !== 'text' && part.entry.type.format !== 'text';
  return merges ? [...weaker!, part] : [part];
}
