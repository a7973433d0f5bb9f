import { Inject, Injectable } from '@nestjs/common';
import { Catalog } from '../catalog/catalog';
import { parseDocument } from '../documents/parse-document';
import { compileSchema } from '../documents/json-schema';
import { DomainError } from '../kernel/domain-error';
import { layerKey, type LayerName } from '../kernel/names';
import { ContentStore, withProposed, type Contents } from '../releases/content-store';
import { HeadIndex } from '../releases/head-index';
import type { NewRelease } from '../releases/insert-releases';
import { entryKey, hashOf, parseIncludes, sameEntry, type Include, type LayerEntry } from '../releases/layer-entry';
import { INCLUDES_KEY, OverlayView, type LayerRelease, type LayerView } from '../releases/layer-release';
import { ReleaseReader } from '../releases/release-reader';
import { SETTINGS, type Settings } from '../settings/settings';
import { conflictOf, type Conflict } from './conflict';
import { editTitle, type EntryEdit } from './entry-edit';

/** The layers of a change as they would be after it, each checked by itself. */
export interface ProposedLayers {
  /** Only layers that really change. */
  readonly releases: readonly NewRelease[];
  /** The same as releases, by the key of their layer. */
  readonly layers: ReadonlyMap<string, LayerRelease>;
  readonly view: LayerView;
  readonly contents: Contents;
}

const MAX_INCLUDES = 100;

/** Lays the edits of a change over the heads: conflicts, syntax and limits are found here, per layer. */
@Injectable()
export class ProposedLayersBuilder {
  constructor(
    private readonly catalog: Catalog,
    private readonly reader: ReleaseReader,
    private readonly contents: ContentStore,
    @Inject(SETTINGS) private readonly settings: Settings,
    private readonly heads: HeadIndex,
  ) {}

  /** @throws DomainError the first fault; all conflicts at once as `change_conflict`. */
  async build(edits: readonly EntryEdit[]): Promise<ProposedLayers> {
    const byLayer = new Map<string, EntryEdit[]>();
    for (const edit of edits) byLayer.set(layerKey(edit.layer), [...(byLayer.get(layerKey(edit.layer)) ?? []), edit]);
    const layers = [...byLayer.values()].map(([first]) => first!.layer);
    const heads = await this.reader.head.releases(layers);
    await this.refuseConflicts(edits, new Map(layers.map((layer, index) => [layerKey(layer), heads[index]])));

    const releases: NewRelease[] = [];
    for (const [index, layer] of layers.entries()) {
      const release = await this.releaseOf(layer, heads[index], byLayer.get(layerKey(layer))!);
      if (release) releases.push(release);
    }
    const proposed = new Map(releases.map((release) => [layerKey(release.layer), asRelease(release)]));
    return {
      releases,
      layers: proposed,
      view: new OverlayView(
        this.reader.head,
        proposed,
        new Map(releases.map((release) => [layerKey(release.layer), release.includes])),
      ),
      contents: withProposed(this.contents, new Map(releases.flatMap(({ newSources }) => [...newSources]))),
    };
  }

  private async refuseConflicts(
    edits: readonly EntryEdit[],
    heads: ReadonlyMap<string, LayerRelease | undefined>,
  ): Promise<void> {
    const conflicts: Conflict[] = [];
    for (const edit of edits) {
      const theirs = heads.get(layerKey(edit.layer))?.entries.get(entryKey(edit));
      const yours = edit.next && { type: edit.next.type, hash: hashOf(edit.next.source) };
      const agreed = yours ? theirs && theirs.hash === yours.hash && sameEntry(theirs, { ...theirs, ...yours }) : !theirs;
      if (sameEntry(theirs, edit.base.entry) || agreed) continue;
      conflicts.push(await conflictOf(edit, theirs, this.contents));
    }
    if (conflicts.length === 0) return;
    const places = conflicts.map((conflict) => editTitle({ ...conflict, layer: conflict })).join(', ');
    throw new DomainError(
      'change_conflict',
      `Someone has published a different ${places} since this edit was begun. Compare base, theirs and yours, and edit again.`,
      { extra: { conflicts, ...only(conflicts) } },
    );
  }

  private async releaseOf(
    layer: LayerName,
    head: LayerRelease | undefined,
    edits: readonly EntryEdit[],
  ): Promise<NewRelease | undefined> {
    const [service, environment] = await Promise.all([
      this.catalog.service(layer.service),
      this.catalog.environment(layer.environment),
    ]);
    if (service.archivedAt) {
      throw new DomainError('service_archived', `${service.name} is archived. Restore it before you change its configuration.`);
    }
    const entries = new Map(head?.entries);
    const newSources = new Map<string, string>();
    for (const edit of edits) {
      const key = entryKey(edit);
      if (edit.next === null) {
        entries.delete(key);
        continue;
      }
      const entry: LayerEntry = { kind: edit.kind, name: edit.name, type: edit.next.type, hash: hashOf(edit.next.source) };
      await this.check(edit, entry, edit.next.source);
      entries.set(key, entry);
      newSources.set(entry.hash, edit.next.source);
    }
    if (sameEntries(entries, head?.entries)) return undefined;
    this.refuseFullLayer(layer, entries);
    const includes = entries.get(INCLUDES_KEY);
    return {
      layer,
      serviceId: service.id,
      environmentId: environment.id,
      version: (head?.version ?? 0) + 1,
      entries,
      includes: includes && (await this.includesIn(includes, newSources)),
      includesChanged: !sameEntry(includes, head?.entries.get(INCLUDES_KEY)),
      newSources,
    };
  }

  private async check(edit: EntryEdit, entry: LayerEntry, source: string): Promise<void> {
    if (edit.kind === 'includes') return this.checkIncludes(edit, parseIncludes(source));
    if (!this.contents.isParsed(entry)) this.contents.rememberParsed(entry, parseDocument(source, entry.type, this.settings.documents));
    if (edit.kind === 'schema') compileSchema(source);
  }

  private async checkIncludes({ layer }: EntryEdit, includes: readonly Include[]): Promise<void> {
    if (includes.length > MAX_INCLUDES) {
      throw new DomainError('malformed_request', `A layer may include at most ${MAX_INCLUDES} services.`);
    }
    const seen = new Set<string>();
    for (const [index, { service, revision }] of includes.entries()) {
      const pointer = `/${index}/service`;
      const included = await this.catalog.service(service);
      if (included.archivedAt) {
        throw new DomainError('service_archived', `${service} is archived and cannot be included.`, { pointer });
      }
      if (service === layer.service) {
        throw new DomainError('include_cycle', `${service} cannot include itself.`, { pointer });
      }
      if (seen.has(service)) {
        throw new DomainError('duplicate_key', `${service} is included twice.`, { pointer });
      }
      seen.add(service);
      if (revision !== undefined && revision > this.heads.position) {
        throw new DomainError('revision_not_found', `Revision ${revision} does not exist yet.`, { pointer: `/${index}/revision` });
      }
    }
  }

  private async includesIn(entry: LayerEntry, newSources: ReadonlyMap<string, string>): Promise<readonly Include[]> {
    const source = newSources.get(entry.hash) ?? (await this.contents.sources([entry.hash])).get(entry.hash)!;
    return parseIncludes(source);
  }

  private refuseFullLayer(layer: LayerName, entries: ReadonlyMap<string, LayerEntry>): void {
    const documents = [...entries.values()].filter(({ kind }) => kind === 'document').length;
    const { maxPerLayer } = this.settings.documents;
    if (documents <= maxPerLayer) return;
    throw new DomainError(
      'layer_full',
      `${layerKey(layer)} would hold ${documents} documents; ${maxPerLayer} are allowed. Split it into several services.`,
    );
  }
}

function only(conflicts: readonly Conflict[]): Partial<Conflict> {
  if (conflicts.length !== 1) return {};
  const { base, theirs, yours } = conflicts[0]!;
  return { base, theirs, yours };
}

function asRelease({ layer, version, entries }: NewRelease): LayerRelease {
  return { layer, version, revision: Number.MAX_SAFE_INTEGER, entries };
}

/** Whether two proposals make the same of the same layers, whatever the layers around them are. */
export function sameProposal(one: ProposedLayers, other: ProposedLayers): boolean {
  return one.layers.size === other.layers.size && [...one.layers].every(([key, { entries }]) => sameEntries(entries, other.layers.get(key)?.entries));
}

function sameEntries(a: ReadonlyMap<string, LayerEntry>, b: ReadonlyMap<string, LayerEntry> | undefined): boolean {
  return a.size === (b?.size ?? 0) && [...a].every(([key, entry]) => sameEntry(entry, b?.get(key)));
}
