import { LRUCache } from 'lru-cache';
import { DomainError } from '../kernel/domain-error';
import { layerKey } from '../kernel/names';
import type { Bucket } from '../nats/bucket';
import { unpackSnapshot } from '../nats/pack-snapshot';
import type { Snapshot } from '../snapshots/snapshot';
import type { Pointer } from './step-collector';

/** More targets than an edge is asked for at a time. */
const KEPT = 10_000;

interface Fetched {
  readonly revision: number;
  readonly etag: string;
  readonly snapshot: Snapshot;
}

/** The snapshots that this edge has been asked for, read from the bucket once each. */
export class Contents {
  private readonly fetched = new LRUCache<string, Fetched>({ max: KEPT });
  private readonly underWay = new Map<string, Promise<Snapshot>>();

  constructor(private readonly bucket: Bucket) {}

  /** Whether somebody has asked for the target before. */
  has(key: string): boolean {
    return this.fetched.has(key);
  }

  /** @throws DomainError `unavailable` while it cannot be read from NATS */
  async get(pointer: Pointer): Promise<Snapshot> {
    const key = layerKey(pointer.target);
    const known = this.fetched.get(key);
    if (known !== undefined && known.revision === pointer.revision && known.etag === pointer.etag) return known.snapshot;
    const name = `${key}/${pointer.sequence}`;
    const fetching = this.underWay.get(name) ?? this.fetch(pointer).finally(() => this.underWay.delete(name));
    this.underWay.set(name, fetching);
    const snapshot = await fetching;
    this.keep(snapshot);
    return snapshot;
  }

  private keep(snapshot: Snapshot): void {
    const key = layerKey(snapshot);
    const { revision, etag } = snapshot;
    if (revision >= (this.fetched.peek(key)?.revision ?? 0)) this.fetched.set(key, { revision, etag, snapshot });
  }

  private async fetch(pointer: Pointer): Promise<Snapshot> {
    const { service, environment } = pointer.target;
    const snapshot = await unpackSnapshot(await this.packed(pointer));
    if (snapshot.revision === pointer.revision && snapshot.etag === pointer.etag && layerKey(snapshot) === layerKey(pointer.target)) return snapshot;
    throw new Error(`The content of ${service}@${environment} in the bucket is not that of revision ${pointer.revision}.`);
  }

  private async packed({ chunks, sequence }: Pointer): Promise<Uint8Array> {
    const parts = await Promise.all((chunks ?? [sequence]).map((one) => this.content(one)));
    return parts.length === 1 ? parts[0]! : Buffer.concat(parts);
  }

  private async content(sequence: number): Promise<Uint8Array> {
    let content: Uint8Array | undefined;
    try {
      content = await this.bucket.content(sequence);
    } catch (cause) {
      throw new DomainError('unavailable', 'NATS cannot be asked right now. Try again in a moment.', { cause });
    }
    if (content === undefined) throw new DomainError('unavailable', 'A newer content is on its way from NATS. Try again in a moment.');
    return content;
  }
}
