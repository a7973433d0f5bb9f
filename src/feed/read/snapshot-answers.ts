import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { RawExchange } from '../exchange';
import type { FeedSnapshot } from '../snapshot-source';
import { acceptsGzip } from './accept';
import { isKnown, writeNotModified, writeSnapshot } from './snapshot-response';

/** Below this, what is saved on the wire is not worth the headers. */
const MIN_COMPRESSED_BYTES = 1_024;
const compress = promisify(gzip);

/**
 * Answers requests with snapshots, compressed for those who take that: each body once, off the event loop, and for as
 * long as somebody holds the snapshot.
 */
export class SnapshotAnswers {
  /** By body; the body itself where compressing it saves nothing. */
  private readonly compressed = new WeakMap<Buffer, Buffer>();
  private readonly underWay = new WeakMap<Buffer, Promise<void>>();

  /** `logRevision` is what the answer is as of. False, and nothing is written, while the body is not compressed yet. */
  writeNow(exchange: RawExchange, snapshot: FeedSnapshot, logRevision: number): boolean {
    const { headers } = exchange.request;
    const asOf = Math.max(snapshot.revision, logRevision);
    if (isKnown(headers['if-none-match'], snapshot.etag)) {
      writeNotModified(exchange, snapshot.etag, asOf);
      return true;
    }
    const { body } = snapshot;
    const wanted = body.length >= MIN_COMPRESSED_BYTES && acceptsGzip(headers['accept-encoding']);
    const bytes = wanted ? this.compressed.get(body) : body;
    if (bytes === undefined) return false;
    writeSnapshot(exchange, snapshot.etag, asOf, bytes, bytes !== body);
    return true;
  }

  async write(exchange: RawExchange, snapshot: FeedSnapshot, logRevision: number): Promise<void> {
    if (this.writeNow(exchange, snapshot, logRevision)) return;
    await this.compress(snapshot.body);
    this.writeNow(exchange, snapshot, logRevision);
  }

  private compress(body: Buffer): Promise<void> {
    const known = this.underWay.get(body);
    if (known !== undefined) return known;
    const making = compress(body).then(
      (bytes) => void this.compressed.set(body, bytes.length < body.length ? bytes : body),
      () => void this.compressed.set(body, body),
    );
    this.underWay.set(body, making);
    return making;
  }
}
