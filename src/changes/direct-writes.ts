import { Injectable } from '@nestjs/common';
import type { Actor } from '../kernel/actor';
import type { LayerName } from '../kernel/names';
import { requireMatch } from '../http/preconditions';
import { ContentStore } from '../releases/content-store';
import { entryKey, includesSource, INCLUDES_NAME, JSON_SOURCE, type EntryKind, type Include } from '../releases/layer-entry';
import type { LayerView } from '../releases/layer-release';
import { entryTag } from '../releases/layer-views';
import type { EntryEdit } from './entry-edit';
import { EntryWriter, type EntrySource, type EntryWrite } from './entry-writer';
import { Publisher, type PublishResult } from './publisher';

export interface DirectWriteOptions {
  readonly actor: Actor;
  readonly message: string | undefined;
  readonly emergency?: string | undefined;
  readonly ifMatch: string | undefined;
  readonly dryRun: boolean;
}

/** The shortcut: one write to one layer, published at once as a change of its own. */
@Injectable()
export class DirectWrites {
  constructor(
    private readonly publisher: Publisher,
    private readonly writer: EntryWriter,
    private readonly contents: ContentStore,
  ) {}

  write(layer: LayerName, kind: EntryKind, name: string, write: EntryWrite, options: DirectWriteOptions): Promise<PublishResult> {
    return this.publish({ layer, kind, name }, (current) => this.writer.apply({ layer, kind, name }, current, write), options);
  }

  /** `null` takes the declaration away, so that the layer inherits again. */
  writeIncludes(layer: LayerName, includes: readonly Include[] | null, options: DirectWriteOptions): Promise<PublishResult> {
    const next = includes && { type: JSON_SOURCE, source: includesSource(includes) };
    return this.publish({ layer, kind: 'includes', name: INCLUDES_NAME }, () => Promise.resolve(next), options);
  }

  private publish(
    place: Pick<EntryEdit, 'layer' | 'kind' | 'name'>,
    nextOf: (current: EntrySource | null) => Promise<EntrySource | null>,
    { actor, message, emergency, ifMatch, dryRun }: DirectWriteOptions,
  ): Promise<PublishResult> {
    const title = message ?? `Edit ${place.kind} ${place.name} of ${place.layer.service}@${place.layer.environment}`;
    const request = {
      kind: 'publish',
      message: title,
      actor,
      emergency,
      edits: async (head: LayerView): Promise<EntryEdit[]> => {
        const [release] = await head.releases([place.layer]);
        const entry = release?.entries.get(entryKey(place));
        requireMatch(ifMatch, entry && entryTag(entry));
        const current = entry ? { type: entry.type, source: (await this.contents.sources([entry.hash])).get(entry.hash)! } : null;
        return [{ ...place, next: await nextOf(current), base: { version: release?.version ?? 0, entry } }];
      },
    } satisfies Parameters<Publisher['publish']>[0];
    return dryRun ? this.publisher.dryRun(request) : this.publisher.publish(request);
  }
}
