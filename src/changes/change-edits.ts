import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { Catalog } from '../catalog/catalog';
import type { Actor } from '../kernel/actor';
import { DomainError } from '../kernel/domain-error';
import type { LayerName } from '../kernel/names';
import { ContentStore } from '../releases/content-store';
import { entryKey, includesSource, INCLUDES_NAME, JSON_SOURCE, type Include } from '../releases/layer-entry';
import { ReleaseReader } from '../releases/release-reader';
import { ChangeEdit } from './change-edit.entity';
import type { Change } from './change.entity';
import { saveEdits } from './change-recorder';
import { ChangesService } from './changes.service';
import { editTitle, type EntryEdit } from './entry-edit';
import { EntryWriter, type EntrySource, type EntryWrite } from './entry-writer';
import { requireIncludable } from './require-includable';

type Place = Pick<EntryEdit, 'layer' | 'kind' | 'name'>;

/** The edits of a draft: each remembers what it started from, and later writes to the same place build on it. */
@Injectable()
export class ChangeEdits {
  constructor(
    private readonly dataSource: DataSource,
    private readonly catalog: Catalog,
    private readonly changes: ChangesService,
    private readonly writer: EntryWriter,
    private readonly reader: ReleaseReader,
    private readonly contents: ContentStore,
  ) {}

  async list(changeId: number, manager: EntityManager = this.dataSource.manager): Promise<EntryEdit[]> {
    const rows = await manager.find(ChangeEdit, {
      where: { changeId },
      order: { serviceId: 'ASC', environmentId: 'ASC', kind: 'ASC', name: 'ASC' },
    });
    const known = rows.every((row) => this.catalog.serviceById(row.serviceId) && this.catalog.environmentById(row.environmentId));
    if (!known) await this.catalog.ensureFresh();
    const hashes = rows.flatMap(({ hash }) => (hash ? [hash.toString('hex')] : []));
    const sources = await this.contents.sources(hashes);
    return rows.map((row) => this.editOf(row, sources));
  }

  write(changeId: number, place: Place, write: EntryWrite, actor: Actor, ifMatch: string | undefined): Promise<Change> {
    return this.save(changeId, place, (current) => this.writer.apply(place, current, write), actor, ifMatch);
  }

  /** @throws DomainError `forbidden` unless the actor may view what would be included */
  async writeIncludes(
    changeId: number,
    layer: LayerName,
    includes: readonly Include[] | null,
    actor: Actor,
    ifMatch: string | undefined,
  ): Promise<Change> {
    const next = includes && { type: JSON_SOURCE, source: includesSource(includes) };
    const place = { layer, kind: 'includes', name: INCLUDES_NAME } as const;
    const edit = { ...place, next, base: { version: 0, entry: undefined } };
    await requireIncludable(actor.authority, [edit], this.reader.head, this.catalog.knownLineageNames);
    return this.save(changeId, place, () => Promise.resolve(next), actor, ifMatch);
  }

  /** Takes an edit out of the change again. @throws DomainError `edit_not_found` */
  drop(changeId: number, place: Place, actor: Actor, ifMatch: string | undefined): Promise<Change> {
    return this.changes.update(changeId, actor, ifMatch, async (manager) => {
      const { affected } = await manager.delete(ChangeEdit, await this.keyOf(changeId, place));
      if (affected === 0) throw new DomainError('edit_not_found', `Change ${changeId} has no edit of ${editTitle(place)}.`);
      return { ...place.layer, kind: place.kind, name: place.name, edit: 'dropped' };
    });
  }

  private save(
    changeId: number,
    place: Place,
    nextOf: (current: EntrySource | null) => Promise<EntrySource | null>,
    actor: Actor,
    ifMatch: string | undefined,
  ): Promise<Change> {
    return this.changes.update(changeId, actor, ifMatch, async (manager) => {
      const earlier = await manager.findOneBy(ChangeEdit, await this.keyOf(changeId, place));
      const [release] = await this.reader.head.releases([place.layer]);
      const entry = release?.entries.get(entryKey(place));
      const hash = earlier ? earlier.hash?.toString('hex') : entry?.hash;
      const type = earlier?.format && earlier.keys ? { format: earlier.format, keys: earlier.keys } : entry?.type;
      const current = hash && type ? { type, source: (await this.contents.sources([hash])).get(hash)! } : null;
      const next = await nextOf(current);
      await saveEdits(manager, changeId, [{ ...place, next, base: { version: release?.version ?? 0, entry } }]);
      return { ...place.layer, kind: place.kind, name: place.name, edit: next === null ? 'removes' : 'writes' };
    });
  }

  private async keyOf(changeId: number, { layer, kind, name }: Place) {
    const service = await this.catalog.service(layer.service);
    const environment = await this.catalog.environment(layer.environment);
    return { changeId, serviceId: service.id, environmentId: environment.id, kind, name };
  }

  private editOf(row: ChangeEdit, sources: ReadonlyMap<string, string>): EntryEdit {
    const { kind, name, format, keys, hash, baseFormat, baseKeys, baseHash, baseVersion } = row;
    const layer = {
      service: this.catalog.serviceById(row.serviceId)!.name,
      environment: this.catalog.environmentById(row.environmentId)!.name,
    };
    return {
      layer,
      kind,
      name,
      next: hash && format && keys ? { type: { format, keys }, source: sources.get(hash.toString('hex'))! } : null,
      base: {
        version: baseVersion,
        entry:
          baseHash && baseFormat && baseKeys
            ? { kind, name, type: { format: baseFormat, keys: baseKeys }, hash: baseHash.toString('hex') }
            : undefined,
      },
    };
  }
}
