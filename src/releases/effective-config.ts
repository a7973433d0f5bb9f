import type { JsonValue } from '@trimtab/client/protocol';
import type { Format } from '../documents/document-type';
import { mergeAll } from '../documents/merge-documents';
import type { ParsedDocument } from '../documents/parse-document';
import { serializeValue } from '../documents/serialize-document';
import { layerKey, type LayerName } from '../kernel/names';
import type { Revision } from '../kernel/revision';
import type { ContentStore, Contents } from './content-store';
import { sameEntry, type LayerEntry } from './layer-entry';
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
  return effectiveOf(target, await layerSequence(target, lineage, views), views);
}

/** The same for a caller that knows the sequence already. */
export async function effectiveOf(
  target: LayerName,
  sequence: readonly SequencedLayer[],
  views: LayerViews,
): Promise<EffectiveConfig> {
  const releases = await releasesOf(sequence, views);
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
    dependsOn: new Set(sequence.filter(({ asOf }) => asOf === undefined).map(({ layer }) => layerKey(layer))),
  };
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

async function releasesOf(
  sequence: readonly SequencedLayer[],
  views: LayerViews,
): Promise<LayerRelease[]> {
  const byPin = new Map<Revision | undefined, LayerName[]>();
  for (const { layer, asOf } of sequence) byPin.set(asOf, [...(byPin.get(asOf) ?? []), layer]);
  const found = new Map<string, LayerRelease | undefined>();
  for (const [asOf, layers] of byPin) {
    const releases = await (asOf === undefined ? views.head : views.asOf(asOf)).releases(layers);
    layers.forEach((layer, index) => found.set(`${layerKey(layer)}/${asOf ?? ''}`, releases[index]));
  }
  return sequence
    .map(({ layer, asOf }) => found.get(`${layerKey(layer)}/${asOf ?? ''}`))
    .filter((release) => release !== undefined);
}

/** Structured values merge with structured ones; a text, below or above, is replaced whole. */
function stack(weaker: DocumentPart[] | undefined, part: DocumentPart): DocumentPart[] {
  const below = weaker?.at(-1);
  const merges = below && below.entry.type.format !== 'text' && part.entry.type.format !== 'text';
  return merges ? [...weaker!, part] : [part];
}
