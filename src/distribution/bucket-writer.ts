import { DomainError } from '../kernel/domain-error';
import type { Bucket } from '../nats/bucket';
import type { BucketContents } from './bucket-contents';

/** Writes as long as this process is the one that distributes; each write only over what it knows to be there. */
export class BucketWriter {
  constructor(
    private readonly bucket: Bucket,
    private readonly contents: BucketContents,
    private readonly lost: AbortSignal,
  ) {}

  async put(key: string, entry: object, content?: Uint8Array): Promise<void> {
    this.requireLock();
    await this.contents.write(key, entry, (after) => this.bucket.put(key, entry, after, content));
  }

  async delete(key: string): Promise<void> {
    this.requireLock();
    await this.contents.write(key, undefined, (after) => this.bucket.delete(key, after));
  }

  async putChunk(key: string, content: Uint8Array): Promise<number> {
    this.requireLock();
    return this.bucket.putChunk(key, content);
  }

  chunkBytes(): Promise<number> {
    return this.bucket.chunkBytes();
  }

  private requireLock(): void {
    if (this.lost.aborted) throw new DomainError('unavailable', 'Another replica distributes now.');
  }
}
