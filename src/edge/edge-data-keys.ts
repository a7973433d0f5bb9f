import type { DataKeyStore } from '../secrets/data-key-store';
import type { WrappedKey } from '../secrets/master-keys';
import type { Facts } from './bucket-reader';

/** The wrapped data keys in the bucket, which are of use to an edge that has been given the master keys. */
export class EdgeDataKeys implements DataKeyStore {
  private readonly listeners = new Set<() => Promise<void>>();

  constructor(private readonly facts: () => Facts) {}

  read(): Promise<readonly WrappedKey[]> {
    return Promise.resolve([...this.facts().dataKeys].map(([id, { wrapped, ...entry }]) => ({ id, ...entry, wrapped: Buffer.from(wrapped, 'base64') })));
  }

  onChange(listener: () => Promise<void>): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** They have changed. */
  changed(): void {
    for (const listener of this.listeners) void listener();
  }
}
