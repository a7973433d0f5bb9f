import { etagOf, type DocumentContent, type Documents, type JsonValue, type LayerVersion, type SecretsNote } from '@trimtab/client/protocol';
import { createHash } from 'node:crypto';
import { mediaTypeOf } from '../documents/media-type';
import { serializeValue } from '../documents/serialize-document';
import { DomainError } from '../kernel/domain-error';
import type { Revision } from '../kernel/revision';
import type { EffectiveContent } from '../releases/effective-config';
import type { ReadConfig } from '../releases/effective-reader';
import { sealedPlaces, type SealedPlace } from '../secrets/sealed-places';
import type { Unsealed } from '../secrets/unsealer';
import { openedDocuments, openedSource } from './opened-documents';

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
  /** Where sealed texts stand, and the layers they are bound to. Absent when there are none. */
  readonly sealed?: readonly SealedPlace[];
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
  readonly sealed?: readonly SealedPlace[];
  /** What is said about the sealed values, to whoever gets it. */
  readonly notes: SecretsNote;
  private readonly texts = new Map<string, SourceText>();
  private encoded: Buffer | undefined;

  private constructor(
    { service, environment, revision, layers, documents, sources, sealed }: Omit<SnapshotRecord, 'etag'>,
    notes = untouched(sealed),
    /** Of a snapshot in clear text: puts the values into a source, if that is possible. */
    private readonly openSource?: (name: string, source: string) => string | undefined,
  ) {
    this.service = service;
    this.environment = environment;
    this.revision = revision;
    this.layers = layers;
    this.documents = documents;
    this.sources = sources;
    if (sealed !== undefined) this.sealed = sealed;
    this.notes = notes;
    this.etag = etagOf(documents as unknown as JsonValue, notes.salt);
  }

  static of({ config, documents }: ReadConfig): Snapshot {
    const contents = [...documents].map(([name, { content }]) => [name, content] as const);
    const sealed = sealedPlaces(documents);
    return new Snapshot({
      ...config.target,
      revision: config.revision,
      layers: config.releases.map(({ layer, version, revision }) => ({ ...layer, version, revision })),
      // fromEntries defines own members, so that a document may be called `__proto__`.
      documents: Object.fromEntries(contents.map(([name, content]) => [name, wireContent(content)])),
      sources: Object.fromEntries(contents.filter(([, content]) => isAsWritten(content)).map(([name, content]) => [name, content.source()])),
      ...(sealed === undefined ? {} : { sealed }),
    });
  }

  /** @throws Error when the documents are not those that the ETag was made of */
  static restore(record: SnapshotRecord): Snapshot {
    const snapshot = new Snapshot(record);
    if (snapshot.etag === record.etag) return snapshot;
    throw new Error(`The kept snapshot of ${record.service}@${record.environment} is damaged: its documents do not have its ETag.`);
  }

  /** The same with its sealed values in clear text, as far as they could be opened: to be delivered, and kept nowhere. */
  opened(results: readonly Unsealed[], salt: string | undefined): Snapshot {
    const { sealed = [], documents } = this;
    const unreadable = sealed.flatMap(({ document, path }, index) => {
      const result = results[index]!;
      return 'fault' in result ? [{ document, path, reason: result.fault }] : [];
    });
    const notes = { ...untouched(sealed), ...(salt === undefined ? {} : { salt }), unreadable: unreadable.length === 0 ? undefined : unreadable };
    const values = sealed.flatMap((place, index) => {
      const result = results[index]!;
      return 'value' in result ? [{ ...place, value: result.value }] : [];
    });
    const openSource = (name: string, source: string): string | undefined => openedSource(source, documents[name]!, values.filter(({ document }) => document === name));
    return new Snapshot({ ...this, documents: openedDocuments(documents, values) }, notes, openSource);
  }

  /** The answer to `GET /v1/config/{environment}/{service}`. */
  get body(): Buffer {
    const { service, environment, revision, etag, layers, documents, notes } = this;
    this.encoded ??= Buffer.from(JSON.stringify({ service, environment, revision, etag, layers, documents, ...notes }));
    return this.encoded;
  }

  /** Size of {@link body}; 0 as long as nobody has asked for it. */
  get encodedBytes(): number {
    return this.encoded?.length ?? 0;
  }

  record(): SnapshotRecord {
    if (this.openSource !== undefined) throw new Error('A snapshot in clear text is kept nowhere.');
    const { service, environment, revision, etag, layers, documents, sources, sealed } = this;
    return { service, environment, revision, etag, layers, documents, sources, ...(sealed === undefined ? {} : { sealed }) };
  }

  source(name: string): SourceText | undefined {
    const known = this.texts.get(name);
    if (known !== undefined || !Object.hasOwn(this.documents, name)) return known;
    const document = this.documents[name] as DocumentContent;
    const text = this.textOf(name, document);
    const etag = `"${createHash('sha256').update(this.notes.salt ?? '').update(text).digest('base64url')}"`;
    const source = { text, mediaType: mediaTypeOf(document.format), etag };
    this.texts.set(name, source);
    return source;
  }

  private textOf(name: string, document: DocumentContent): string {
    if ('text' in document) return document.text;
    const source = Object.hasOwn(this.sources, name) ? (this.sources[name] as string) : undefined;
    const written = source === undefined || this.openSource === undefined ? source : this.openSource(name, source);
    if (written !== undefined) return written;
    try {
      return serializeValue(document.value, document.format);
    } catch (error) {
      // What cannot be written, and would be quoted, may be a secret.
      if (this.openSource === undefined) throw error;
      throw new DomainError('secret_unreadable', `${name} cannot be written as ${document.format} with its secrets in it. Read the whole snapshot, or seal values that this format can hold.`);
    }
  }
}

/** What is said of sealed values to those who are not shown them. */
function untouched(sealed: readonly SealedPlace[] | undefined): SecretsNote {
  if (sealed === undefined) return {};
  return {
    secrets: sealed.map(({ document, path }) => [document, path]),
    unreadable: sealed.map(({ document, path }) => ({ document, path, reason: 'not_revealed' })),
  };
}

function isAsWritten({ format, parts }: EffectiveContent): boolean {
  return format !== 'text' && parts.length === 1;
}

function wireContent({ format, value }: EffectiveContent): DocumentContent {
  return format === 'text' ? { format, text: value as string } : { format, value };
}
