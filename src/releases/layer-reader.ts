import { Injectable } from '@nestjs/common';
import { Catalog } from '../catalog/catalog';
import { DomainError } from '../kernel/domain-error';
import { layerKey, type LayerName } from '../kernel/names';
import type { Revision } from '../kernel/revision';
import { ContentStore } from './content-store';
import { HeadIndex } from './head-index';
import { entryKey, type EntryKind, type Include, type LayerEntry } from './layer-entry';
import { INCLUDES_KEY, type LayerRelease } from './layer-release';
import { entryTag, type EntryView, type LayerView } from './layer-views';
import { ReleaseReader } from './release-reader';

/** One entry of a layer, with its source and the release it was read from. */
export interface EntrySource {
  readonly release: LayerRelease;
  readonly entry: LayerEntry;
  readonly source: string;
}

/** Reads single layers: the head, or as of a revision. */
@Injectable()
export class LayerReader {
  constructor(
    private readonly catalog: Catalog,
    private readonly heads: HeadIndex,
    private readonly reader: ReleaseReader,
    private readonly contents: ContentStore,
  ) {}

  async layer(layer: LayerName, asOf?: Revision): Promise<LayerView> {
    return this.view(layer, await this.release(layer, asOf));
  }

  async view({ service, environment }: LayerName, release: LayerRelease | undefined): Promise<LayerView> {
    const entries = [...(release?.entries.values() ?? [])];
    return {
      service,
      environment,
      version: release?.version ?? 0,
      revision: release?.revision ?? 0,
      documents: entries.filter(({ kind }) => kind === 'document').map(entryView),
      schemas: entries.filter(({ kind }) => kind === 'schema').map(entryView),
      includes: (release && (await this.reader.includesOf(release))) ?? null,
    };
  }

  /** @throws DomainError `document_not_found`, `schema_not_found` */
  async source(layer: LayerName, kind: Exclude<EntryKind, 'includes'>, name: string, asOf?: Revision): Promise<EntrySource> {
    const release = await this.release(layer, asOf);
    const entry = release?.entries.get(entryKey({ kind, name }));
    if (!release || !entry) {
      throw new DomainError(`${kind}_not_found`, `${layerKey(layer)} itself has no ${kind} ${name}. It may inherit one: see its effective config.`);
    }
    const sources = await this.contents.sources([entry.hash]);
    return { release, entry, source: sources.get(entry.hash)! };
  }

  async includes(layer: LayerName, asOf?: Revision): Promise<{ entry: LayerEntry | undefined; includes: readonly Include[] | null }> {
    const release = await this.release(layer, asOf);
    return { entry: release?.entries.get(INCLUDES_KEY), includes: (release && (await this.reader.includesOf(release))) ?? null };
  }

  private async release(layer: LayerName, asOf: Revision | undefined): Promise<LayerRelease | undefined> {
    await Promise.all([this.catalog.service(layer.service), this.catalog.environment(layer.environment)]);
    if (asOf === undefined) return (await this.reader.head.releases([layer]))[0];
    await this.heads.require(asOf);
    return (await this.reader.asOf(asOf).releases([layer]))[0];
  }
}

function entryView(entry: LayerEntry): EntryView {
  return { name: entry.name, ...entry.type, etag: entryTag(entry) };
}
