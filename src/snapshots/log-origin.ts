import { Injectable } from '@nestjs/common';
import { layerKey, type LayerName } from '../kernel/names';
import type { Revision } from '../kernel/revision';
import { EffectiveReader } from '../releases/effective-reader';
import { HeadIndex } from '../releases/head-index';
import { effectiveView, type EffectiveView } from '../releases/layer-views';
import { Snapshot } from './snapshot';
import type { OriginListener, ResolvedSnapshot, SnapshotOrigin } from './snapshot-origin';

/** The log in Postgres: keys are those of layers. */
@Injectable()
export class LogOrigin implements SnapshotOrigin {
  constructor(
    private readonly heads: HeadIndex,
    private readonly effective: EffectiveReader,
  ) {}

  get position(): Revision {
    return this.heads.position;
  }

  revisionOf(key: string): Revision {
    return this.heads.revisionOf(key);
  }

  onMove(listener: OriginListener): () => void {
    return this.heads.onMove((moves, position) => listener(moves.map(({ layer }) => layerKey(layer)), position));
  }

  reach(revision: Revision): Promise<void> {
    return this.heads.reach(revision);
  }

  async read(target: LayerName): Promise<ResolvedSnapshot> {
    const read = await this.effective.read(target);
    return { snapshot: Snapshot.of(read), dependsOn: read.config.dependsOn };
  }

  async readAsOf(target: LayerName, revision: Revision): Promise<Snapshot> {
    return Snapshot.of(await this.effective.read(target, revision));
  }

  async explain(target: LayerName): Promise<EffectiveView> {
    return effectiveView(await this.effective.read(target));
  }
}
