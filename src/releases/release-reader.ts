import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { DataSource } from 'typeorm';
import type { Format, KeyStyle } from '../documents/document-type';
import { DomainError } from '../kernel/domain-error';
import { layerKey, type LayerName } from '../kernel/names';
import type { Revision } from '../kernel/revision';
import { ContentStore } from './content-store';
import { HeadIndex } from './head-index';
import { entryKey, parseIncludes, type EntryKind, type Include, type LayerEntry } from './layer-entry';
import { Release } from './release.entity';
import { INCLUDES_KEY, type LayerHead, type LayerRelease, type LayerView } from './layer-release';

/** The heads of ten thousand services in five environments: what depends on a library is looked at again and again. */
const CACHED_RELEASES = 60_000;

interface ManifestRow {
  layer_id: number;
  version: number;
  kind: EntryKind;
  name: string;
  format: Format;
  keys: KeyStyle;
  hash: Buffer;
}

/** The one row of a release that holds nothing. */
interface EmptyRow {
  layer_id: number;
  kind: null;
}

/** Reads releases: the heads, or the log as of a revision. Releases never change, so they are cached for ever. */
@Injectable()
export class ReleaseReader {
  private readonly cache = new LRUCache<string, LayerRelease>({ max: CACHED_RELEASES });

  constructor(
    private readonly dataSource: DataSource,
    private readonly heads: HeadIndex,
    private readonly contents: ContentStore,
  ) {}

  /** The layers as this process knows them now. */
  readonly head: LayerView = {
    releases: (layers) => this.load(layers.map((layer) => this.heads.head(layer))),
    includes: (layer) => Promise.resolve(this.heads.includes(layer)),
  };

  /** The layers as they were right after `revision`. */
  asOf(revision: Revision): LayerView {
    const releases = async (layers: readonly LayerName[]): Promise<(LayerRelease | undefined)[]> =>
      this.load(await this.headsAsOf(layers, revision));
    return {
      releases,
      includes: async (layer) => {
        const [release] = await releases([layer]);
        return release && this.includesOf(release);
      },
    };
  }

  /** One version of a layer, or `undefined` when there is none. */
  async version(layer: LayerName, version: number): Promise<LayerRelease | undefined> {
    const head = this.heads.head(layer);
    if (!head || version < 1 || version > head.version) return undefined;
    if (version === head.version) return (await this.load([head]))[0];
    const row = await this.dataSource.manager.findOneBy(Release, { layerId: head.id, version });
    return row ? (await this.load([{ id: head.id, layer, version, revision: row.revision }]))[0] : undefined;
  }

  async includesOf(release: LayerRelease): Promise<readonly Include[] | undefined> {
    const entry = release.entries.get(INCLUDES_KEY);
    if (!entry) return undefined;
    return parseIncludes((await this.contents.sources([entry.hash])).get(entry.hash)!);
  }

  /** Spares the next reader the database. */
  remember(layerId: number, release: LayerRelease): void {
    this.cache.set(cacheKey(layerId, release), release);
  }

  private async headsAsOf(layers: readonly LayerName[], revision: Revision): Promise<(LayerHead | undefined)[]> {
    const known = layers.map((layer) => this.heads.head(layer));
    const later = known.filter((head): head is LayerHead => head !== undefined && head.revision > revision);
    if (later.length === 0) return known;
    const rows = await this.dataSource.query<{ layer_id: number; version: number; revision: string }[]>(
      `SELECT r.layer_id, r.version, r.revision
         FROM unnest($1::int[]) AS wanted(layer_id)
         JOIN LATERAL (SELECT * FROM release
                        WHERE release.layer_id = wanted.layer_id AND release.revision <= $2
                        ORDER BY release.revision DESC LIMIT 1) r ON true`,
      [later.map(({ id }) => id), revision],
    );
    const then = new Map(rows.map((row) => [row.layer_id, row]));
    return known.map((head) => {
      if (!head || head.revision <= revision) return head;
      const row = then.get(head.id);
      return row && { ...head, version: row.version, revision: Number(row.revision) };
    });
  }

  private async load(heads: readonly (LayerHead | undefined)[]): Promise<(LayerRelease | undefined)[]> {
    const loaded = new Map<string, LayerRelease>();
    const missing: LayerHead[] = [];
    for (const head of heads) {
      if (!head) continue;
      const cached = this.cache.get(cacheKey(head.id, head));
      if (cached) loaded.set(layerKey(head.layer), cached);
      else missing.push(head);
    }
    if (missing.length > 0) {
      const rows = await this.dataSource.query<(ManifestRow | EmptyRow)[]>(
        `SELECT r.layer_id, r.version, d.kind, d.name, d.format, d.keys, d.hash
           FROM release r
           JOIN unnest($1::int[], $2::int[], $3::bigint[]) AS wanted(layer_id, version, revision) USING (layer_id, version, revision)
           LEFT JOIN release_document d ON d.layer_id = r.layer_id AND d.version = r.version
          ORDER BY d.kind, d.name COLLATE "C"`,
        [missing.map(({ id }) => id), missing.map(({ version }) => version), missing.map(({ revision }) => revision)],
      );
      const manifests = new Map<number, Map<string, LayerEntry>>();
      for (const row of rows) {
        const entries = manifests.get(row.layer_id) ?? new Map<string, LayerEntry>();
        manifests.set(row.layer_id, entries);
        if (row.kind !== null) entries.set(entryKey(row), entryOf(row));
      }
      for (const { id, layer, version, revision } of missing) {
        const entries = manifests.get(id);
        // A release that is known and not there any more must not be taken for an empty one.
        if (entries === undefined) throw new DomainError('unavailable', `${layerKey(layer)} has lost its version ${version}: the log is not the one that was read before.`);
        const release = { layer, version, revision, entries };
        this.remember(id, release);
        loaded.set(layerKey(layer), release);
      }
    }
    return heads.map((head) => head && loaded.get(layerKey(head.layer)));
  }
}

/** With the revision: in a log that lost its end, a version is given once more to another content. */
function cacheKey(layerId: number, { version, revision }: { readonly version: number; readonly revision: Revision }): string {
  return `${layerId}/${version}/${revision}`;
}

function entryOf({ kind, name, format, keys, hash }: ManifestRow): LayerEntry {
  return { kind, name, type: { format, keys }, hash: hash.toString('hex') };
}
