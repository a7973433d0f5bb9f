import { Injectable } from '@nestjs/common';
import { Catalog } from '../catalog/catalog';
import { originsOf } from '../documents/merge-documents';
import type { LayerName } from '../kernel/names';
import type { Revision } from '../kernel/revision';
import { ContentStore } from './content-store';
import { contentOf, resolveEffective, type EffectiveConfig, type EffectiveContent, type EffectiveDocument } from './effective-config';
import { HeadIndex } from './head-index';
import { ReleaseReader } from './release-reader';

/** A layer in one of its versions, as an origin names it. */
export interface OriginLayer extends LayerName {
  readonly version: number;
}

/** Where one leaf of an effective document comes from. */
export interface KeyOrigin extends OriginLayer {
  /** RFC 6901 pointer to the leaf. */
  readonly path: string;
  readonly line?: number;
  /** Weaker layers that set it too, strongest first. */
  readonly overrides: readonly OriginLayer[];
}

export interface ReadDocument {
  readonly document: EffectiveDocument;
  readonly content: EffectiveContent;
}

export interface ReadConfig {
  readonly config: EffectiveConfig;
  readonly documents: ReadonlyMap<string, ReadDocument>;
}

/** Reads effective configs, now or as of any revision. */
@Injectable()
export class EffectiveReader {
  constructor(
    private readonly catalog: Catalog,
    private readonly heads: HeadIndex,
    private readonly reader: ReleaseReader,
    private readonly contents: ContentStore,
  ) {}

  /** @throws DomainError `service_not_found`, `environment_not_found`, `revision_not_found` */
  async read(target: LayerName, asOf?: Revision): Promise<ReadConfig> {
    await Promise.all([this.catalog.service(target.service), this.catalog.environment(target.environment)]);
    const resolved = await this.resolve(target, asOf);
    // After a recovery nobody goes back to the numbers before it, also where nothing was published since.
    const config = { ...resolved, revision: Math.max(resolved.revision, this.heads.recoveredBy(asOf ?? this.heads.position)) };
    await this.contents.preload([...config.documents.values()].flatMap(({ parts }) => parts.map(({ entry }) => entry)));
    const documents = new Map<string, ReadDocument>();
    for (const [name, document] of config.documents) {
      documents.set(name, { document, content: await contentOf(document, this.contents) });
    }
    return { config, documents };
  }

  private async resolve(target: LayerName, asOf: Revision | undefined): Promise<EffectiveConfig> {
    const lineage = this.catalog.lineage(target.environment).map(({ name }) => name);
    if (asOf !== undefined) await this.heads.require(asOf);
    return resolveEffective(target, lineage, {
      head: asOf === undefined ? this.reader.head : this.reader.asOf(asOf),
      asOf: (revision) => this.reader.asOf(revision),
    });
  }
}

/** Where every leaf of a document comes from. */
export function keyOrigins({ document, content }: ReadDocument): KeyOrigin[] {
  const layers = document.parts.map(({ release }) => ({ ...release.layer, version: release.version }));
  return originsOf(content.parts).map(({ path, part, line, overrides }) => ({
    path,
    ...layers[part]!,
    ...(line === undefined ? {} : { line }),
    overrides: overrides.map((index) => layers[index]!),
  }));
}
