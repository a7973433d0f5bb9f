import { etagOf, type Documents, type JsonValue } from '@trimtab/client/protocol';
import { DomainError } from '../../kernel/domain-error';
import { layerKey, type LayerName } from '../../kernel/names';
import type { FeedSnapshot, SnapshotSource, SnapshotWatch } from '../snapshot-source';

export function snapshotOf(target: LayerName, revision: number, value: JsonValue): FeedSnapshot {
  const documents: Documents = { application: { format: 'json', value } };
  const etag = etagOf(documents);
  const layers = [{ service: target.service, environment: target.environment, version: revision, revision }];
  const text = JSON.stringify(value);
  return {
    ...target,
    revision,
    etag,
    layers,
    documents,
    body: Buffer.from(JSON.stringify({ revision, etag, ...target, layers, documents })),
    source: (name) => (name === 'application' ? { text, format: 'json', etag } : undefined),
  };
}

/**
 * Snapshots in memory with the promises of the real ones. `remote` is the log of the other processes, which this one
 * sees when it is told to {@link catchUp} or has to {@link reach}; `beforeRead` runs between the two halves of a watch.
 */
export class FakeSource implements SnapshotSource {
  position = 0;
  beforeRead: () => void | Promise<void> = () => undefined;
  reached: number[] = [];
  watching = 0;
  private readonly local = new Map<string, FeedSnapshot>();
  private readonly log: FeedSnapshot[] = [];
  private readonly watchers = new Map<string, Set<(snapshot: FeedSnapshot) => void>>();
  private readonly positions = new Set<(revision: number) => void>();

  /** Publishes a value; false keeps it in the log without this process seeing it. */
  publish(target: LayerName, value: JsonValue, seen = true): FeedSnapshot {
    const snapshot = snapshotOf(target, this.log.length + 1, value);
    this.log.push(snapshot);
    if (seen) this.catchUp();
    return snapshot;
  }

  get head(): number {
    return this.log.length;
  }

  catchUp(to = this.log.length): void {
    for (const snapshot of this.log.slice(this.position, to)) {
      const key = layerKey(snapshot);
      const isNew = this.local.get(key)?.etag !== snapshot.etag;
      this.position = snapshot.revision;
      if (isNew) {
        this.local.set(key, snapshot);
        for (const tell of this.watchers.get(key) ?? []) tell(snapshot);
      }
    }
    for (const tell of this.positions) tell(this.position);
  }

  peek(target: LayerName): FeedSnapshot | undefined {
    return this.local.get(layerKey(target));
  }

  async get(target: LayerName): Promise<FeedSnapshot> {
    const snapshot = this.peek(target);
    if (snapshot === undefined) throw new DomainError('service_not_found', `There is no service ${target.service}.`);
    return snapshot;
  }

  async explain(target: LayerName): Promise<unknown> {
    return { explained: layerKey(target) };
  }

  async reach(revision: number): Promise<void> {
    this.reached.push(revision);
    await Promise.resolve();
    this.catchUp();
  }

  async watch(target: LayerName, onChange: (snapshot: FeedSnapshot) => void): Promise<SnapshotWatch> {
    const key = layerKey(target);
    const watchers = this.watchers.get(key) ?? new Set();
    this.watchers.set(key, watchers.add(onChange));
    this.watching += 1;
    const stop = () => {
      if (watchers.delete(onChange)) this.watching -= 1;
    };
    try {
      await this.beforeRead();
      const snapshot = await this.get(target);
      await Promise.resolve();
      return { snapshot, stop };
    } catch (error) {
      stop();
      throw error;
    }
  }

  onPosition(listener: (revision: number) => void): () => void {
    this.positions.add(listener);
    return () => void this.positions.delete(listener);
  }
}
