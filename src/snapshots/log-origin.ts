import { Injectable } from '@nestjs/common';
import { DomainError } from '../kernel/domain-error';
import { layerKey, type LayerName } from '../kernel/names';
import type { Revision } from '../kernel/revision';
import { EffectiveReader, type ReadConfig } from '../releases/effective-reader';
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

  async reach(revision: Revision): Promise<void> {
    await this.heads.reach(revision);
    this.heads.shown(revision);
  }

  async read(target: LayerName): Promise<ResolvedSnapshot> {
    const read = await this.readEffective(target);
    return { snapshot: Snapshot.of(read), dependsOn: read.config.dependsOn };
  }

  async readAsOf(target: LayerName, revision: Revision): Promise<Snapshot> {
    return Snapshot.of(await this.readEffective(target, revision));
  }

  async explain(target: LayerName): Promise<EffectiveView> {
    return effectiveView(await this.readEffective(target));
  }

  /** To whoever reads, a log that lost its end is one that is away: there is nothing the reader could do. */
  private async readEffective(target: LayerName, asOf?: Revision): Promise<ReadConfig> {
    if (this.heads.regression !== undefined) {
      throw new DomainError('unavailable', 'The log ends before what was handed out, and this is not at hand. It can be read again once an administrator has recovered the log.');
    }
    return this.effective.read(target, asOf);
  }
}
