import type { Catalog } from '../catalog/catalog';
import { layerKey, type LayerName } from '../kernel/names';
import type { Turns } from '../kernel/turns';
import { documentIn, releasesIn, sameDocument, type EffectiveDocument } from '../releases/effective-config';
import { sameEntry } from '../releases/layer-entry';
import type { LayerRelease, LayerView } from '../releases/layer-release';
import { layerSequence, type LayerViews, type SequencedLayer } from '../releases/layer-sequence';
import type { ReleaseReader } from '../releases/release-reader';
import type { ProposedLayers } from './proposed-layers';

/** A document that is not made of the same entries before and after. */
export interface AffectedDocument {
  readonly name: string;
  readonly was: EffectiveDocument | undefined;
  readonly becomes: EffectiveDocument | undefined;
}

/** One effective config before and after a proposal. */
export interface AffectedConfig {
  readonly target: LayerName;
  /** Keys of every layer it was or will be made of. */
  readonly dependsOn: ReadonlySet<string>;
  readonly documents: readonly AffectedDocument[];
}

interface Sequenced {
  readonly target: LayerName;
  readonly before: readonly SequencedLayer[];
  /** The very same list when the proposal leaves all includes as they are. */
  readonly after: readonly SequencedLayer[];
}

/** Resolves configs with and without a proposal, many at once, and only as far as the proposal touches them. */
export class AffectedConfigs {
  private readonly proposedByKey: ReadonlyMap<string, LayerRelease>;
  private readonly sameIncludes: boolean;
  private touchedByKey: ReadonlyMap<string, ReadonlySet<string>> | undefined;

  constructor(
    private readonly catalog: Catalog,
    private readonly reader: ReleaseReader,
    private readonly proposed: ProposedLayers,
  ) {
    this.proposedByKey = proposed.layers;
    this.sameIncludes = proposed.releases.every(({ includesChanged }) => !includesChanged);
  }

  async read(targets: readonly LayerName[], turns: Turns): Promise<AffectedConfig[]> {
    this.touchedByKey ??= await this.touchedNames();
    const sequences: Sequenced[] = [];
    for (const target of targets) sequences.push(await this.sequence(target));
    const head = await this.readTogether(sequences);
    const asOf = this.reader.asOf.bind(this.reader);
    const configs: AffectedConfig[] = [];
    for (const sequenced of sequences) {
      configs.push(await this.compare(sequenced, { head, asOf }));
      if (turns.isDue) await turns.next();
    }
    return configs;
  }

  private async sequence(target: LayerName): Promise<Sequenced> {
    const lineage = this.catalog.lineage(target.environment).map(({ name }) => name);
    const asOf = this.reader.asOf.bind(this.reader);
    const before = await layerSequence(target, lineage, { head: this.reader.head, asOf });
    return { target, before, after: this.sameIncludes ? before : await layerSequence(target, lineage, { head: this.proposed.view, asOf }) };
  }

  /** The heads of all layers that occur, read with one statement. */
  private async readTogether(sequences: readonly Sequenced[]): Promise<LayerView> {
    const layers = new Map<string, LayerName>();
    for (const { before, after } of sequences) {
      for (const { layer, key, asOf } of before) if (asOf === undefined) layers.set(key, layer);
      if (after !== before) for (const { layer, key, asOf } of after) if (asOf === undefined) layers.set(key, layer);
    }
    const releases = await this.reader.head.releases([...layers.values()]);
    const found = new Map([...layers.keys()].map((key, index) => [key, releases[index]]));
    return {
      releases: (wanted) => Promise.resolve(wanted.map((layer) => found.get(layerKey(layer)))),
      includes: (layer) => this.reader.head.includes(layer),
    };
  }

  private async compare({ target, before, after }: Sequenced, views: LayerViews): Promise<AffectedConfig> {
    const was = await releasesIn(before, views);
    const below = after === before ? was : await releasesIn(after, views);
    const becomes = after.map(({ key, asOf }, index) => (asOf === undefined ? this.proposedByKey.get(key) : undefined) ?? below[index]);
    const names = after === before ? this.namesTouchedIn(after) : namesIn([...was, ...becomes]);
    const documents = [...names]
      .map((name) => ({ name, was: documentIn(name, was), becomes: documentIn(name, becomes) }))
      .filter((document) => !sameDocument(document.was, document.becomes));
    return { target, documents, dependsOn: new Set((after === before ? before : [...before, ...after]).filter(({ asOf }) => asOf === undefined).map(({ key }) => key)) };
  }

  private namesTouchedIn(sequence: readonly SequencedLayer[]): ReadonlySet<string> {
    const touched = sequence.flatMap(({ key, asOf }) => (asOf === undefined ? (this.touchedByKey!.get(key) ?? []) : []));
    return touched.length === 1 ? touched[0]! : new Set(touched.flatMap((names) => [...names]));
  }

  /** Of each proposed layer, the names of the documents to which it gives another entry or schema. */
  private async touchedNames(): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
    const { releases } = this.proposed;
    const heads = await this.reader.head.releases(releases.map(({ layer }) => layer));
    return new Map(
      releases.map(({ layer, entries }, index) => {
        const earlier = heads[index]?.entries;
        const keys = [...new Set([...entries.keys(), ...(earlier?.keys() ?? [])])];
        const changed = keys.filter((key) => !sameEntry(entries.get(key), earlier?.get(key)));
        return [layerKey(layer), new Set(changed.map((key) => (entries.get(key) ?? earlier!.get(key))!.name))];
      }),
    );
  }
}

function namesIn(releases: readonly (LayerRelease | undefined)[]): Set<string> {
  const names = new Set<string>();
  for (const release of releases) for (const { kind, name } of release?.entries.values() ?? []) if (kind === 'document') names.add(name);
  return names;
}
