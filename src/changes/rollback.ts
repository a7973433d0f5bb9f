import { Injectable } from '@nestjs/common';
import { forbidden } from '../access/decide';
import { SYSTEM_ACTOR, type Actor } from '../kernel/actor';
import { layerKey, type LayerName } from '../kernel/names';
import type { Revision } from '../kernel/revision';
import { ContentStore } from '../releases/content-store';
import { History } from '../releases/history';
import { sameEntry, type LayerEntry } from '../releases/layer-entry';
import type { LayerRelease } from '../releases/layer-release';
import type { EntryEdit } from './entry-edit';
import { Publisher, requireRevision, type PublishRequest, type PublishResult } from './publisher';

export interface RollbackOptions {
  readonly actor: Actor;
  readonly message: string | undefined;
  readonly emergency?: string | undefined;
  readonly dryRun: boolean;
}

/** Goes back by going forward: history is never rewritten, a new version gets an old content. */
@Injectable()
export class Rollback {
  constructor(
    private readonly publisher: Publisher,
    private readonly history: History,
    private readonly contents: ContentStore,
  ) {}

  /** Makes a layer what it was in `version`; 0 empties it. */
  async layer(layer: LayerName, version: number, options: RollbackOptions): Promise<PublishResult> {
    const wanted = version === 0 ? undefined : await this.history.release(layer, version);
    const message = options.message ?? `Roll back ${layerKey(layer)} to version ${version}`;
    return this.run(message, options, async (head) => {
      const [current] = await head.releases([layer]);
      return this.editsTowards(layer, current, wanted);
    });
  }

  /**
   * Undoes what one revision did, in all its layers at once. What others have published to the same documents since is
   * not undone silently: it is a conflict.
   */
  async revision(revision: Revision, options: RollbackOptions): Promise<PublishResult> {
    const { authority } = options.actor;
    // Of whose layers nothing can be viewed does not exist; what can be viewed in part is not undone in part.
    await this.history.revision(authority, revision);
    const { layers } = await this.history.revision(SYSTEM_ACTOR.authority, revision);
    if (!layers.every((layer) => authority.allows('publish', layer))) throw forbidden('publish', 'on every layer the revision touched');
    const message = options.message ?? `Roll back revision ${revision}`;
    const edits: EntryEdit[] = [];
    for (const { service, environment, version } of layers) {
      const layer = { service, environment };
      const made = await this.history.release(layer, version);
      const before = version === 1 ? undefined : await this.history.release(layer, version - 1);
      edits.push(...(await this.editsTowards(layer, made, before)));
    }
    return this.run(message, options, () => Promise.resolve(edits));
  }

  private async run(message: string, { actor, emergency, dryRun }: RollbackOptions, edits: PublishRequest['edits']): Promise<PublishResult> {
    const request: PublishRequest = {
      kind: 'rollback',
      message,
      actor,
      emergency,
      edits,
    };
    return dryRun ? this.publisher.dryRun(request) : requireRevision(await this.publisher.publish(request));
  }

  /** The edits that turn `from` into `to`. */
  private async editsTowards(
    layer: LayerName,
    from: LayerRelease | undefined,
    to: LayerRelease | undefined,
  ): Promise<EntryEdit[]> {
    const keys = new Set([...(from?.entries.keys() ?? []), ...(to?.entries.keys() ?? [])]);
    const changed = [...keys].filter((key) => !sameEntry(from?.entries.get(key), to?.entries.get(key)));
    const wanted = changed.map((key) => to?.entries.get(key)).filter((entry) => entry !== undefined);
    const sources = await this.contents.sources(wanted.map(({ hash }) => hash));
    return changed.map((key) => {
      const entry = (to?.entries.get(key) ?? from?.entries.get(key)) as LayerEntry;
      const next = to?.entries.get(key);
      return {
        layer,
        kind: entry.kind,
        name: entry.name,
        next: next ? { type: next.type, source: sources.get(next.hash)! } : null,
        base: { version: from?.version ?? 0, entry: from?.entries.get(key) },
      };
    });
  }
}
