import { etagOf, type Documents, type JsonValue } from '@trimtab/client/protocol';
import { DomainError } from '../../kernel/domain-error';
import { layerKey, type LayerName } from '../../kernel/names';
import type { FeedSnapshot, SnapshotSource, SnapshotWatch } from '../snapshot-source';

export function snapshotOf({ service, environment }: LayerName, revision: number, value: JsonValue): FeedSnapshot {
  const documents: Documents = { application: { format: 'json', value } };
  const etag = etagOf(documents as unknown as JsonValue);
  const layers = [{ service, environment, version: revision, revision }];
  const text = JSON.stringify(value);
  return {
    service,
    environment,
    revision,
    etag,
    layers,
    documents,
    body: Buffer.from(JSON.stringify({ service, environment, revision, etag, layers, documents })),
    source: (name) => (name === 'application' ? { text, mediaType: 'application/json', etag } : undefined),
  };
}

interface Target {
  readonly watchers: Set<(snapshot: FeedSnapshot) => void>;
  /** What was handed out last; older than the log while it is stale. */
  told: FeedSnapshot | undefined;
}

/**
 * Snapshots in memory with the promises, and the liberties, of the real ones: the log is known before the snapshots
 * it changed are handed out. A publish is `written` (another process's log has it), then `seen` (this process's log
 * has it, and what it changed is stale), then `told` (handed out).
 */
export class FakeSource implements SnapshotSource {
  position = 0;
  /** Runs between the two halves of a watch: after the subscription, before or after the head is read. */
  beforeRead: () => void | Promise<void> = () => undefined;
  afterRead: () => void | Promise<void> = () => undefined;
  readonly reached: number[] = [];
  watching = 0;
  private readonly targets = new Map<string, Target>();
  private readonly log: FeedSnapshot[] = [];

  publish(target: LayerName, value: JsonValue, until: 'written' | 'seen' | 'told' = 'told'): FeedSnapshot {
    const snapshot = snapshotOf(target, this.log.length + 1, value);
    this.log.push(snapshot);
    if (until !== 'written') this.see();
    if (until === 'told') this.tell();
    return snapshot;
  }

  get head(): number {
    return this.log.length;
  }

  /** The newest of a target, whoever has seen it. */
  newest(target: LayerName): FeedSnapshot | undefined {
    return this.log.findLast((snapshot) => layerKey(snapshot) === layerKey(target));
  }

  see(to = this.log.length): void {
    this.position = Math.max(this.position, to);
  }

  tell(): void {
    for (const key of this.targets.keys()) this.hand(key);
  }

  peek(target: LayerName): FeedSnapshot | undefined {
    const { told } = this.targetOf(layerKey(target));
    return told === this.seen(layerKey(target)) ? told : undefined;
  }

  async get(target: LayerName): Promise<FeedSnapshot> {
    await Promise.resolve();
    this.hand(layerKey(target));
    const snapshot = this.peek(target);
    if (snapshot === undefined) throw new DomainError('service_not_found', `There is no service ${target.service}.`);
    return snapshot;
  }

  async explain(target: LayerName): Promise<unknown> {
    return { explained: layerKey(target) };
  }

  async getAsOf(target: LayerName, revision: number): Promise<FeedSnapshot> {
    const snapshot = this.log.slice(0, revision).findLast((candidate) => layerKey(candidate) === layerKey(target));
    if (snapshot === undefined || revision > this.head) throw new DomainError('revision_not_found', `There is no revision ${revision}.`);
    return snapshot;
  }

  async reach(revision: number): Promise<void> {
    this.reached.push(revision);
    await Promise.resolve();
    this.see();
  }

  async watch(target: LayerName, onChange: (snapshot: FeedSnapshot) => void): Promise<SnapshotWatch> {
    const { watchers } = this.targetOf(layerKey(target));
    watchers.add(onChange);
    this.watching += 1;
    const stop = () => {
      if (watchers.delete(onChange)) this.watching -= 1;
    };
    try {
      await this.beforeRead();
      const snapshot = await this.get(target);
      await this.afterRead();
      return { snapshot, stop };
    } catch (error) {
      stop();
      throw error;
    }
  }

  private seen(key: string): FeedSnapshot | undefined {
    return this.log.slice(0, this.position).findLast((snapshot) => layerKey(snapshot) === key);
  }

  private hand(key: string): void {
    const target = this.targetOf(key);
    const newest = this.seen(key);
    if (newest === undefined || newest === target.told) return;
    target.told = newest;
    for (const watcher of [...target.watchers]) watcher(newest);
  }

  private targetOf(key: string): Target {
    const known = this.targets.get(key);
    if (known !== undefined) return known;
    const target: Target = { watchers: new Set(), told: undefined };
    this.targets.set(key, target);
    return target;
  }
}
