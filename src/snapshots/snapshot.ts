import { etagOf, type DocumentContent, type Documents, type JsonValue, type LayerVersion } from '@trimtab/client/protocol';
import { createHash } from 'node:crypto';
import { mediaTypeOf } from '../documents/media-type';
import { serializeValue } from '../documents/serialize-document';
import type { Revision } from '../kernel/revision';
import type { EffectiveContent } from '../releases/effective-config';
import type { ReadConfig } from '../releases/effective-reader';

/** One document in its own format, with a strong ETag over its text. */
export interface SourceText {
  readonly text: string;
  readonly mediaType: string;
  readonly etag: string;
}

/** A snapshot as plain data, for keeping it elsewhere. */
export interface SnapshotRecord {
  readonly service: string;
  readonly environment: string;
  /** The newest revision among the releases that contribute: the same number on every replica. */
  readonly revision: Revision;
  /** Over the documents: two snapshots with equal ETags are the same to a client, whatever their revision. */
  readonly etag: string;
  /** Weakest first. */
  readonly layers: readonly LayerVersion[];
  readonly documents: Documents;
  /** Structured documents that one layer alone defines, as they were written. The others are written from their values. */
  readonly sources: Readonly<Record<string, string>>;
}

/** One effective config at one revision: immutable, and ready to be written to whoever asks. */
export class Snapshot implements SnapshotRecord {
  readonly service: string;
  readonly environment: string;
  readonly revision: Revision;
  readonly etag: string;
  readonly layers: readonly LayerVersion[];
  readonly documents: Documents;
  readonly sources: Readonly<Record<string, string>>;
  private readonly texts = new Map<string, SourceText>();
  private encoded: Buffer | undefined;

  private constructor({ service, environment, revision, layers, documents, sources }: Omit<SnapshotRecord, 'etag'>) {
    this.service = service;
    this.environment = environment;
    this.revision = revision;
    this.layers = layers;
    this.documents = documents;
    this.sources = sources;
    this.etag = etagOf(documents as unknown as JsonValue);
  }

  static of({ config, documents }: ReadConfig): Snapshot {
    const contents = [...documents].map(([name, { content }]) => [name, content] as const);
    return new Snapshot({
      ...config.target,
      revision: config.revision,
      layers: config.releases.map(({ layer, version, revision }) => ({ ...layer, version, revision })),
      // fromEntries defines own members, so that a document may be called `__proto__`.
      documents: Object.fromEntries(contents.map(([name, content]) => [name, wireContent(content)])),
      sources: Object.fromEntries(contents.filter(([, content]) => isAsWritten(content)).map(([name, content]) => [name, content.source()])),
    });
  }

  /** @throws Error when the documents are not those that the ETag was made of */
  static restore(record: SnapshotRecord): Snapshot {
    const snapshot = new Snapshot(record);
    if (snapshot.etag === record.etag) return snapshot;
    throw new Error(`The kept snapshot of ${record.service}@${record.environment} is damaged: its documents do not have its ETag.`);
  }

  /** The answer to `GET /v1/config/{environment}/{service}`. */
  get body(): Buffer {
    const { service, environment, revision, etag, layers, documents } = this;
    this.encoded ??= Buffer.from(JSON.stringify({ service, environment, revision, etag, layers, documents }));
    return this.encoded;
  }

  /** Size of {@link body}; 0 as long as nobody has asked for it. */
  get encodedBytes(): number {
    return this.encoded?.length ?? 0;
  }

  record(): SnapshotRecord {
    const { service, environment, revision, etag, layers, documents, sources } = this;
    return { service, environment, revision, etag, layers, documents, sources };
  }

  source(name: string): SourceText | undefined {
    const known = this.texts.get(name);
    if (known !== undefined || !Object.hasOwn(this.documents, name)) return known;
    const document = this.documents[name] as DocumentContent;
    const text = this.textOf(name, document);
    const etag = `"${createHash('sha256').update(text).digest('base64url')}"`;
    const source = { text, mediaType: mediaTypeOf(document.format), etag };
    this.texts.set(name, source);
    return source;
  }

  private textOf(name: string, document: DocumentContent): string {
    if ('text' in document) return document.text;
    return Object.hasOwn(this.sources, name) ? (this.sources[name] as string) : serializeValue(document.value, document.format);
  }
}

function isAsWritten({ format, parts }: EffectiveContent): boolean {
  return format !== 'text' && parts.length === 1;
}

function wireContent({ format, value }: EffectiveContent): DocumentContent {
  return format === 'text' ? { format, text: value as string } : { format, value };
}
