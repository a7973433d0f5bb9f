import { dataKeyKey, type DataKeyEntry } from '../nats/entries';
import type { DataKeyStore } from '../secrets/data-key-store';
import type { BucketContents } from './bucket-contents';
import type { BucketWriter } from './bucket-writer';

/** Brings the wrapped data keys into the bucket. None is ever removed: old values stay sealed with old keys. */
export class DataKeySync {
  constructor(
    private readonly dataKeys: DataKeyStore,
    private readonly contents: BucketContents,
    private readonly writer: BucketWriter,
  ) {}

  async run(): Promise<void> {
    if (!this.contents.loaded) return;
    for (const { id, service, masterKey, wrapped, retired } of await this.dataKeys.read()) {
      const entry: DataKeyEntry = { service, masterKey, wrapped: wrapped.toString('base64'), retired };
      const key = dataKeyKey(id);
      if (JSON.stringify(this.contents.value(key)) !== JSON.stringify(entry)) await this.writer.put(key, entry);
    }
  }
}
