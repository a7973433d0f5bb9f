import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { Catalog } from '../catalog/catalog';
import { SYSTEM_ACTOR } from '../kernel/actor';
import { DomainError } from '../kernel/domain-error';
import { layerKey, type LayerName } from '../kernel/names';
import type { Revision } from '../kernel/revision';
import { HeadIndex } from '../releases/head-index';
import { History } from '../releases/history';
import { layerSequence } from '../releases/layer-sequence';
import { ReleaseReader } from '../releases/release-reader';
import { DeliveredSnapshots } from '../snapshots/delivered-snapshots';

/** What is known of a target as of a log position, and true for as long as none of its layers moves. */
interface TargetFacts {
  readonly dependsOn: ReadonlySet<string>;
  readonly at: Revision;
  etag: string | undefined;
}

/** Small: a set of names and a hash. */
const KEPT_TARGETS = 10_000;
const KEPT_REVISIONS = 1_000;

/** Which targets a revision has reached, and what is newest for each of them. */
@Injectable()
export class AffectedTargets {
  private readonly facts = new LRUCache<string, TargetFacts>({ max: KEPT_TARGETS });
  private readonly touched = new LRUCache<Revision, readonly LayerName[]>({ max: KEPT_REVISIONS });

  constructor(
    private readonly history: History,
    private readonly heads: HeadIndex,
    private readonly catalog: Catalog,
    private readonly reader: ReleaseReader,
    private readonly snapshots: DeliveredSnapshots,
  ) {}

  /** All layers a revision touched, after this process has caught up with it. @throws DomainError `revision_not_found` */
  async layersOf(revision: Revision): Promise<readonly LayerName[]> {
    await this.heads.reach(revision);
    const known = this.touched.get(revision);
    if (known !== undefined) return known;
    const { layers } = await this.history.revision(SYSTEM_ACTOR.authority, revision);
    this.touched.set(revision, layers);
    return layers;
  }

  /** Whether the effective config of the target depends on one of the layers with these keys. */
  async dependsOn(target: LayerName, layers: readonly string[]): Promise<boolean> {
    const facts = await this.factsOf(target);
    return facts !== undefined && layers.some((layer) => facts.dependsOn.has(layer));
  }

  /** The ETag of the newest snapshot as client keys get it, if it can be told without reading anything. */
  knownEtag(target: LayerName): string | undefined {
    return this.snapshots.peek({ ...target, clear: true })?.etag ?? this.fresh(layerKey(target))?.etag;
  }

  /** The ETag of the newest snapshot. Undefined when it cannot be made out right now. */
  async etagOf(target: LayerName): Promise<string | undefined> {
    const known = this.knownEtag(target);
    if (known !== undefined) return known;
    try {
      const facts = await this.factsOf(target);
      const { etag } = await this.snapshots.get({ ...target, clear: true });
      if (facts !== undefined) facts.etag = etag;
      return etag;
    } catch {
      return undefined;
    }
  }

  private fresh(key: string): TargetFacts | undefined {
    const facts = this.facts.get(key);
    if (facts === undefined) return undefined;
    for (const layer of facts.dependsOn) if (this.heads.revisionOf(layer) > facts.at) return undefined;
    return facts;
  }

  /** Undefined for what is not, or no longer, in the catalog. */
  private async factsOf(target: LayerName): Promise<TargetFacts | undefined> {
    const key = layerKey(target);
    const known = this.fresh(key);
    if (known !== undefined) return known;
    const at = this.heads.position;
    try {
      await this.catalog.environment(target.environment);
      const lineage = this.catalog.lineage(target.environment).map(({ name }) => name);
      const sequence = await layerSequence(target, lineage, { head: this.reader.head, asOf: (revision) => this.reader.asOf(revision) });
      const dependsOn = new Set(sequence.filter(({ asOf }) => asOf === undefined).map(({ layer }) => layerKey(layer)));
      const facts = { dependsOn, at, etag: undefined };
      this.facts.set(key, facts);
      return facts;
    } catch (error) {
      if (error instanceof DomainError && error.kind === 'not-found') return undefined;
      throw error;
    }
  }
}
