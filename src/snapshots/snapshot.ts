import { etagOf, type DocumentContent, type Documents, type JsonValue, type LayerVersion } from '@trimtab/client/protocol';
import { createHash } from 'node:crypto';
import { mediaTypeOf } from '../documents/media-type';
import type { Revision } from '../kernel/revision';
import type { EffectiveContent } from '../releases/effective-config';
import type { ReadConfig } from '../releases/effective-reader';

/** One document in its own format, with a strong ETag over its text. */
export interface SourceText {
  readonly text: string;
  readonly mediaType: string;
  readonly etag: string;
}

/** One effective config at one revision: immutable, and ready to be written to whoever asks. */
export class Snapshot {
  readonly service: string;
  readonly environment: string;
  /** The newest revision among the releases that contribute: the same number on every replica. */
  readonly revision: Revision;
  /** Over the documents: two snapshots with equal ETags are the same to a client, whatever their revision. */
  readonly etag: string;
  /** Weakest first. */
  readonly layers: readonly LayerVersion[];
  readonly documents: Documents;
  private readonly contents: ReadonlyMap<string, EffectiveContent>;
  private readonly texts = new Map<string, SourceText>();
  private encoded: Buffer | undefined;

  constructor({ config, documents }: ReadConfig) {
    this.service = config.target.service;
    this.environment = config.target.environment;
    this.revision = config.revision;
    this.layers = config.releases.map(({ layer, version, revision }) => ({ ...layer, version, revision }));
    this.contents = new Map([...documents].map(([name, { content }]) => [name, content]));
    // fromEntries defines own members, so that a document may be called `__proto__`.
    this.documents = Object.fromEntries([...this.contents].map(([name, content]) => [name, wireContent(content)]));
    this.etag = etagOf(this.documents as unknown as JsonValue);
  }

  /** The answer to `GET /v1/config/{environment}/{service}`. */
  get body(): Buffer {
    const { service, environment, revision, etag, layers, documents } = this;
    this.encoded ??= Buffer.from(JSON.stringify({ service, environment, revision, etag, layers, documents }));
    return this.encoded;
  }

  source(name: string): SourceText | undefined {
    const known = this.texts.get(name);
    const content = this.contents.get(name);
    if (known || !content) return known;
    const text = content.source();
    const etag = `"${createHash('sha256').update(text).digest('base64url')}"`;
    const source = { text, mediaType: mediaTypeOf(content.format), etag };
    this.texts.set(name, source);
    return source;
  }
}

function wireContent({ format, value }: EffectiveContent): DocumentContent {
  return format === 'text' ? { format, text: value as string } : { format, value };
}
